--- The cases of ../layers.lua: a layer as PyTorch writes it, and its inputs. An input is a shape of normal numbers with a gradient;
--- "part": between 0 and 1, "target": without a gradient, "sign": 1 or -1, "ids S of N": ids. `peer` is what PyTorch calls where it
--- has another name (../peers/layers.py), `random` marks layers whose results chance decides, `output_only` what has another gradient
--- there (of CTCLoss exp(log_probs) is added, which log_softmax takes away again).
local cases = {}

local function add(list)
  for _, case in ipairs(list) do cases[#cases + 1] = case end
end

-- The same inputs for several layers.
local function each(input, layers)
  for _, layer in ipairs(layers) do cases[#cases + 1] = { layer, input } end
end

add { -- products
  { "Linear(128, 10)", "64x128" },
  { "Linear(784, 128)", "64x784" },
  { "Linear(1024, 1024)", "1x1024" },
  { "Linear(1024, 1024)", "256x1024" },
  { "Linear(512, 2048)", "4x64x512" },
  { "Bilinear(64, 64, 64)", "64x64", "64x64" },
  { "Bilinear(16, 32, 8)", "1024x16", "1024x32" },
}
add { -- convolutions
  { "Conv1d(64, 64, 3, padding=1)", "16x64x256" },
  { "Conv1d(1, 32, 16, stride=4)", "16x1x4000" },
  { "Conv2d(1, 20, 5)", "64x1x28x28" },
  { "Conv2d(3, 32, 3, padding=1)", "16x3x32x32" },
  { "Conv2d(64, 64, 3, padding=1)", "4x64x32x32" },
  { "Conv2d(128, 128, 3, padding=1)", "8x128x14x14" },
  { "Conv2d(512, 512, 3, padding=1)", "4x512x4x4" },
  { "Conv2d(64, 128, 3, stride=2, padding=1)", "8x64x28x28" },
  { "Conv2d(64, 256, 1)", "8x64x28x28" },
  { "Conv2d(256, 64, 1)", "8x256x14x14" },
  { "Conv2d(256, 512, 1, stride=2)", "8x256x14x14" },
  { "Conv2d(64, 192, 5, padding=2)", "2x64x27x27" },
  { "Conv2d(64, 192, 5, padding=2)", "8x64x8x8" },
  { "Conv2d(3, 64, 7, stride=2, padding=3)", "4x3x112x112" },
  { "Conv2d(64, 64, 3, padding=1, groups=64)", "8x64x28x28" },
  { "Conv2d(128, 128, 5, padding=2, groups=128)", "8x128x14x14" },
  { "Conv2d(64, 64, 3, padding=1, groups=4)", "8x64x28x28" },
  { "Conv2d(64, 64, 3, padding=2, dilation=2)", "4x64x28x28" },
  { "Conv3d(3, 16, 3, padding=1)", "2x3x16x32x32" },
  { "Conv3d(16, 32, 3, padding=1)", "2x16x8x16x16" },
  { "ConvTranspose1d(64, 32, 4, stride=2, padding=1)", "16x64x64" },
  { "ConvTranspose2d(512, 256, 4, stride=2, padding=1)", "8x512x4x4" },
  { "ConvTranspose2d(64, 32, 4, stride=2, padding=1)", "16x64x16x16" },
  { "ConvTranspose2d(64, 64, 2, stride=2)", "4x64x28x28" },
  { "ConvTranspose3d(32, 16, 4, stride=2, padding=1)", "2x32x8x8x8" },
  { "Unfold(3, padding=1)", "8x16x32x32" },
  { "Fold(32, 3, padding=1)", "8x144x1024" },
}
add { -- pooling
  { "MaxPool1d(2)", "32x64x256" },
  { "MaxPool2d(2)", "16x64x32x32" },
  { "MaxPool2d(3, stride=2, padding=1)", "4x64x56x56" },
  { "MaxPool3d(2)", "4x16x16x32x32" },
  { "AvgPool1d(4)", "32x64x256" },
  { "AvgPool2d(2)", "16x64x32x32" },
  { "AvgPool2d(3, stride=1, padding=1)", "16x64x28x28" },
  { "AvgPool3d(2)", "4x16x16x32x32" },
  { "AdaptiveAvgPool2d(1)", "32x512x7x7" },
  { "AdaptiveAvgPool2d(6)", "16x64x13x13" },
  { "AdaptiveMaxPool2d(1)", "32x512x7x7" },
  { "AdaptiveMaxPool2d(6)", "16x64x13x13" },
  { "LPPool2d(2, 2)", "16x64x32x32" },
  { "FractionalMaxPool2d(2, output_ratio=0.5)", "16x64x32x32", random = true },
}
add { -- normalisation
  { "BatchNorm1d(512)", "256x512" },
  { "BatchNorm1d(64)", "16x64x256" },
  { "BatchNorm2d(16)", "32x16x32x32" },
  { "BatchNorm2d(256)", "16x256x14x14" },
  { "BatchNorm3d(16)", "4x16x8x32x32" },
  { "InstanceNorm1d(64)", "16x64x256" },
  { "InstanceNorm2d(64)", "4x64x56x56" },
  { "InstanceNorm3d(16)", "4x16x8x32x32" },
  { "GroupNorm(8, 64)", "16x64x28x28" },
  { "GroupNorm(32, 256)", "16x256x7x7" },
  { "LayerNorm(512)", "512x512" },
  { "LayerNorm(64)", "64x64x64" },
  { "RMSNorm(512)", "512x512" },
  { "RMSNorm(64)", "64x64x64" },
  { "LocalResponseNorm(5)", "4x96x27x27" },
}
each("1024x1024", { -- activations
  "ReLU()", "LeakyReLU(0.1)", "PReLU()", "ELU()", "SELU()", "CELU()", "GELU()", "GELU(approximate='tanh')", "SiLU()", "Mish()",
  "Sigmoid()", "LogSigmoid()", "Tanh()", "Tanhshrink()", "Softplus()", "Softsign()", "Softshrink()", "Hardshrink()", "Hardtanh()", "Hardsigmoid()",
  "Hardswish()", "ReLU6()", "Threshold(0.1, 0)", "GLU()", "Softmax(dim=-1)", "LogSoftmax(dim=-1)", "Softmin(dim=-1)",
})
each("64x128", { "ReLU()", "GELU()", "Tanh()" })
add {
  { "Softmax(dim=-1)", "4096x10" },
  { "Softmax2d()", "8x21x64x64" },
  { "LogSoftmax(dim=-3)", "8x21x64x64" },
  { "PReLU(64)", "16x64x28x28" },
}
add { -- chance
  { "RReLU()", "1024x1024", random = true },
  { "Dropout(0.5)", "1024x1024", random = true },
  { "Dropout(0.1)", "64x512", random = true },
  { "Dropout2d(0.5)", "16x64x32x32", random = true },
  { "AlphaDropout(0.5)", "512x1024", random = true },
}
add { -- ids and sequences
  { "Embedding(10000, 128)", "ids 32x64 of 10000" },
  { "Embedding(1000, 512)", "ids 16x128 of 1000" },
  { "EmbeddingBag(10000, 64)", "ids 256x16 of 10000" },
  { "LSTM(128, 128)", "32x32x128", peer = "Sequences(nn.LSTM, 128, 128)" },
  { "LSTM(64, 256)", "8x64x64", peer = "Sequences(nn.LSTM, 64, 256)" },
  { "LSTM(32, 64, bidirectional=True)", "16x50x32", peer = "Sequences(nn.LSTM, 32, 64, bidirectional=True)" },
  { "GRU(128, 128)", "32x32x128", peer = "Sequences(nn.GRU, 128, 128)" },
  { "GRU(64, 256)", "8x64x64", peer = "Sequences(nn.GRU, 64, 256)" },
  { "RNN(128, 128)", "32x32x128", peer = "Sequences(nn.RNN, 128, 128)" },
  { "RNN(32, 64)", "16x50x32", peer = "Sequences(nn.RNN, 32, 64)" },
  { "LSTMCell(128, 128)", "32x128" },
  { "GRUCell(128, 128)", "32x128" },
  { "RNNCell(128, 128)", "32x128" },
}
add { -- attention
  { "ScaledDotProductAttention()", "8x8x64x32", "8x8x64x32", "8x8x64x32", peer = "F.scaled_dot_product_attention" },
  { "ScaledDotProductAttention(is_causal=True)", "2x8x256x64", "2x8x256x64", "2x8x256x64", peer = "causal" },
  { "MultiheadAttention(128, 4, need_weights=False)", "16x64x128", peer = "Attention(128, 4)" },
  { "MultiheadAttention(512, 8, need_weights=False)", "2x128x512", peer = "Attention(512, 8)" },
  { "TransformerEncoderLayer(128, 4, dim_feedforward=512, dropout=0)", "16x64x128", peer = "Block(128, 4, 512)" },
  { "TransformerEncoderLayer(512, 8, dim_feedforward=2048, dropout=0)", "1x128x512", peer = "Block(512, 8, 2048)" },
}
add { -- shapes
  { "Flatten()", "64x32x7x7" },
  { "Upsample(scale_factor=2)", "8x64x16x16" },
  { "Upsample(scale_factor=2, mode='bilinear')", "8x64x16x16" },
  { "Upsample(scale_factor=2, mode='bicubic')", "4x16x32x32" },
  { "Upsample(scale_factor=2, mode='trilinear')", "2x8x8x16x16" },
  { "UpsamplingBilinear2d(scale_factor=2)", "8x64x16x16" },
  { "PixelShuffle(2)", "8x256x16x16" },
  { "PixelUnshuffle(2)", "8x64x32x32" },
  { "ChannelShuffle(4)", "8x64x32x32" },
  { "ZeroPad2d(2)", "16x64x28x28" },
  { "ConstantPad1d(2, 1.5)", "32x64x256" },
  { "ReflectionPad2d(2)", "16x64x28x28" },
  { "ReplicationPad2d(2)", "16x64x28x28" },
  { "CircularPad2d(2)", "16x64x28x28" },
  { "ReplicationPad3d(1)", "4x8x8x16x16" },
}
add { -- losses
  { "CrossEntropyLoss()", "128x10", "ids 128 of 10" },
  { "CrossEntropyLoss()", "512x10000", "ids 512 of 10000" },
  { "CrossEntropyLoss(label_smoothing=0.1)", "256x1000", "ids 256 of 1000" },
  { "CrossEntropyLoss()", "4x21x64x64", "ids 4x64x64 of 21" },
  { "SoftCrossEntropyLoss()", "256x1000", "target part 256x1000", peer = "nn.CrossEntropyLoss()" },
  { "NLLLoss()", "4096x100", "ids 4096 of 100" },
  { "NLLLoss()", "4x21x64x64", "ids 4x64x64 of 21" },
  { "CTCLoss(blank=41)", "16x50x41", "ids 16x20 of 40", peer = "ctc(40)", output_only = true },
}
for _, loss in ipairs { "MSELoss()", "L1Loss()", "SmoothL1Loss()", "HuberLoss()", "PoissonNLLLoss()", "KLDivLoss(reduction='batchmean')" } do
  add { { loss, "128x64", "target part 128x64" }, { loss, "1024x1024", "target part 1024x1024" } }
end
add {
  { "BCELoss()", "part 128x64", "target part 128x64" },
  { "BCELoss()", "part 1024x1024", "target part 1024x1024" },
  { "BCEWithLogitsLoss()", "128x64", "target part 128x64" },
  { "BCEWithLogitsLoss()", "1024x1024", "target part 1024x1024" },
  { "GaussianNLLLoss()", "512x512", "target 512x512", "part 512x512" },
  { "SoftMarginLoss()", "1024x1024", "sign 1024x1024" },
  { "HingeEmbeddingLoss()", "1024x1024", "sign 1024x1024" },
  { "MarginRankingLoss()", "65536", "65536", "sign 65536" },
  { "MultiMarginLoss()", "4096x100", "ids 4096 of 100" },
  { "MultiLabelMarginLoss()", "512x20", "ids 512x20 of 20" },
  { "MultiLabelSoftMarginLoss()", "1024x100", "target part 1024x100" },
  { "CosineEmbeddingLoss()", "1024x128", "1024x128", "sign 1024" },
  { "TripletMarginLoss()", "1024x128", "1024x128", "1024x128" },
  { "TripletMarginWithDistanceLoss()", "1024x128", "1024x128", "1024x128" },
  { "CosineSimilarity(dim=-1)", "1024x128", "1024x128" },
  { "PairwiseDistance()", "1024x128", "1024x128" },
}
for _, optimizer in ipairs { "SGD(lr=0.001)", "SGD(lr=0.001, momentum=0.9)", "SGD(lr=0.001, momentum=0.9, nesterov=True, weight_decay=0.0001)", "Adam(lr=0.001)",
  "AdamW(lr=0.001, weight_decay=0.01)", "RMSprop(lr=0.001)", "Adagrad(lr=0.001)", "Adamax(lr=0.001)", "NAdam(lr=0.001)", "RAdam(lr=0.001)",
  "Adadelta(lr=0.001)", "Rprop(lr=0.001)", "ASGD(lr=0.001)" } do
  cases[#cases + 1] = { optimizer, kind = "optimizer" }
end

return cases
