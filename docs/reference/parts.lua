-- The parts of the reference, in order: files of this folder. The docs are made from them, and luron.help reads them.
return { "tools", "tensor", "ops", "indexing", "linalg", "sparse", "autograd", "layer", "model", "training", "metrics", "preprocess", "graphs", "boxes", "schedules" }
