return { "tools", "tensor", "ops", "indexing", "linalg", "sparse", "autograd", "layer", "model", "training", "metrics", "preprocess", "graphs", "schedules" }
