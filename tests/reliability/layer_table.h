/* layer_table.h -- inputs for every layer type that a plugin registers: for test_layer_gradients.c and test_threads.c.
 * Types whose inputs are real and that need no option are found by themselves: losses get two of one shape, others "*".
 * The rest has a line here; a type without one fails the check.                                                      */
#ifndef LAYER_TABLE_H
#define LAYER_TABLE_H
#include "generate.h"

#include <stdio.h>
#include <string.h>

/* spec and range: generate.h. options: JSON without braces, %k in it is the size of letter k. */
typedef struct layer_line {
    const char *type, *options, *spec;
    double lo, hi;
} layer_line;

static const layer_line layer_lines[] = {
    {"Linear", "\"in_features\": %K, \"out_features\": %N", "*K", -2, 2},
    {"Linear", "\"in_features\": %K, \"out_features\": %N, \"bias\": false", "*K", -2, 2},
    {"PReLU", "\"num_parameters\": %K", "mKn", -2, 2},
    {"PReLU", NULL, "*", -2, 2},
    {"Flatten", NULL, "mnk", -2, 2},
    {"Flatten", "\"start_dim\": 0, \"end_dim\": 1", "mnk", -2, 2},
    {"Unflatten", "\"dim\": 1, \"sizes\": [2, -1]", "m6K", -2, 2},
    {"Reshape", "\"shape\": [%K, %N]", "mNK", -2, 2},
    {"Softmax", NULL, "*K", -2, 2},
    {"LogSoftmax", NULL, "*K", -2, 2},
    {"BCELoss", NULL, "mk,mk", 0.05, 0.95},
    {"BCELoss", NULL, "mk,mk,=k", 0.05, 0.95},
    {"BCEWithLogitsLoss", NULL, "mk,mk", -3, 3},
    {"BCEWithLogitsLoss", NULL, "mk,mk,=mk,=k", -3, 3},
    {"KLDivLoss", NULL, "mk,mk", 0.05, 0.95},
    {"CrossEntropyLoss", NULL, "mK,#m<K", -2, 2},
    {"CrossEntropyLoss", NULL, "mKn,#mn<K", -2, 2},
    {"CrossEntropyLoss", "\"label_smoothing\": 0.2", "mK,#m<K,=K", -2, 2},
    {"SoftCrossEntropyLoss", NULL, "mK,mK", 0.05, 0.95},
    {"SoftCrossEntropyLoss", NULL, "mK,mK,=K", 0.05, 0.95},
    {"NLLLoss", NULL, "mK,#m<K", -2, 2},
    {"NLLLoss", NULL, "mK,#m<K,=K", -2, 2},
    {"MaxPool1d", "\"kernel_size\": 3, \"padding\": 1, \"dilation\": 2", "mk7", -2, 2},
    {"MaxPool1d", "\"kernel_size\": 2", "m6", -2, 2},
    {"MaxPool2d", "\"kernel_size\": 2", "mk65", -2, 2},
    {"MaxPool2d", "\"kernel_size\": [3, 2], \"stride\": [2, 1], \"padding\": 1", "mkN6", -2, 2},
    {"MaxPool3d", "\"kernel_size\": [1, 2, 2]", "mkN35", -2, 2},
    {"AvgPool1d", "\"kernel_size\": 3, \"padding\": 1, \"stride\": 2", "mk6", -2, 2},
    {"AvgPool2d", "\"kernel_size\": 2, \"padding\": 1, \"stride\": 1", "mkN5", -2, 2},
    {"AvgPool2d", "\"kernel_size\": [3, 2], \"divisor_override\": 4", "mk46", -2, 2},
    {"AvgPool3d", "\"kernel_size\": [1, 2, 2], \"stride\": 3, \"padding\": [0, 1, 1]", "mkN44", -2, 2},
    {"AdaptiveMaxPool1d", "\"output_size\": 2", "mk5", -2, 2},
    {"AdaptiveMaxPool2d", "\"output_size\": [3, 0]", "mkN4", -2, 2},
    {"AdaptiveMaxPool3d", "\"output_size\": 1", "mkNN3", -2, 2},
    {"AdaptiveAvgPool1d", "\"output_size\": 2", "mk5", -2, 2},
    {"AdaptiveAvgPool2d", "\"output_size\": [3, 0]", "mkN4", -2, 2},
    {"AdaptiveAvgPool3d", "\"output_size\": 1", "mkNN3", -2, 2},
    {"BatchNorm1d", "\"num_features\": %K", "4K3", -2, 2},
    {"BatchNorm2d", "\"num_features\": %K", "mK23", -2, 2},
    {"BatchNorm3d", "\"num_features\": %K", "mK212", -2, 2},
    {"InstanceNorm1d", "\"num_features\": %K", "mK5", -2, 2},
    {"InstanceNorm2d", "\"num_features\": %K", "mK23", -2, 2},
    {"InstanceNorm3d", "\"num_features\": %K", "K212", -2, 2},
    {"GroupNorm", "\"num_groups\": 2, \"num_channels\": 6", "m6n", -2, 2},
    {"LayerNorm", "\"normalized_shape\": [%K, 3]", "mK3", -2, 2},
    {"LayerNorm", "\"normalized_shape\": 5", "*5", -2, 2},
    {"RMSNorm", "\"normalized_shape\": %K", "*K", 0.5, 2},
    {"LSTM", "\"input_size\": %K, \"hidden_size\": %N", "mTK", -2, 2},
    {"LSTM", "\"input_size\": %K, \"hidden_size\": %N, \"bidirectional\": true", "mTK,2mN,2mN", -2, 2},
    {"GRU", "\"input_size\": %K, \"hidden_size\": %N", "mTK", -2, 2},
    {"GRU", "\"input_size\": %K, \"hidden_size\": %N, \"bidirectional\": false", "mTK,1mN", -2, 2},
    {"RNN", "\"input_size\": %K, \"hidden_size\": %N, \"num_layers\": 2, \"bidirectional\": false", "mTK,2mN", -2, 2},
    {"LSTMCell", "\"input_size\": %K, \"hidden_size\": %N", "mK,mN,mN", -2, 2},
    {"GRUCell", "\"input_size\": %K, \"hidden_size\": %N", "mK,mN", -2, 2},
    {"RNNCell", "\"input_size\": %K, \"hidden_size\": %N", "mK,mN", -2, 2},
    {"Conv1d", "\"in_channels\": %K, \"out_channels\": %N, \"kernel_size\": 3, \"padding\": 1", "mK6", -2, 2},
    {"Conv2d", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": [3, 2], \"stride\": [2, 1], \"padding\": [1, 0]", "mK54", -2, 2},
    {"Conv3d", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": [1, 2, 2], \"dilation\": [1, 1, 2]", "mK234", -2, 2},
    {"ConvTranspose1d", "\"in_channels\": %K, \"out_channels\": %N, \"kernel_size\": 3, \"stride\": 2, \"output_padding\": 1", "mK4", -2, 2},
    {"ConvTranspose2d", "\"in_channels\": %K, \"out_channels\": %N, \"kernel_size\": [2, 3], \"stride\": [2, 1], \"padding\": [0, 1]", "mK23", -2, 2},
    {"ConvTranspose3d", "\"in_channels\": %K, \"out_channels\": %N, \"kernel_size\": [1, 2, 2], \"dilation\": [1, 1, 2]", "mK212", -2, 2},
    {"ConvTranspose2d", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": [3, 1], \"stride\": 2, \"padding\": \"same\"", "mK23", -2, 2},
    {"SeparableConv1d", "\"in_channels\": %K, \"out_channels\": %N, \"kernel_size\": 3, \"padding\": 1, \"depth_multiplier\": 2", "mK5", -2, 2},
    {"SeparableConv2d", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": [3, 2], \"stride\": [2, 1], \"padding\": [1, 0]", "mK54", -2, 2},
    {"LocallyConnected1d", "\"in_channels\": %K, \"out_channels\": %N, \"input_size\": 5, \"kernel_size\": 3", "mK5", -2, 2},
    {"LocallyConnected2d", "\"in_channels\": %K, \"out_channels\": 2, \"input_size\": [3, 4], \"kernel_size\": 2, \"padding\": [0, 1]", "mK34", -2, 2},
    {"DeformConv2d", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": 2", "mK33,m822", 0.05, 0.95},
    {"DeformConv2d", "\"in_channels\": 4, \"out_channels\": 2, \"kernel_size\": [1, 2], \"groups\": 2, \"padding\": [0, 1], \"stride\": [2, 1]", "m432,m823,m423", 0.05, 0.95},
    {"NonMaxSuppression", NULL, "=k4,=k", -2, 2},
    {"NonMaxSuppression", NULL, "=K4,=K,#K<3", -2, 2},
    {"GIoULoss", NULL, "k4,k4", -2, 2},
    {"DIoULoss", NULL, "mk4,mk4", -2, 2},
    {"CIoULoss", "\"constant_alpha\": false", "k4,k4", -2, 2},
    {"RoIAlign", "\"output_size\": 2, \"spatial_scale\": 6", "Mk65,@n5<M", -2, 2},
    {"RoIAlign", "\"output_size\": [1, 3], \"sampling_ratio\": 2", "Mk44,@n5<M", -2, 2},
    {"RoIPool", "\"output_size\": 2, \"spatial_scale\": 6", "Mk65,@n5<M", -2, 2},
    {"Yolo", "\"anchors\": \"20,30\", \"classes\": 1", "m6nk", -2, 2},
    {"YoloLoss", "\"anchors\": \"20,30\", \"classes\": 3", "m8NK,@mn5<3", -2, 2},
    {"YoloLoss", "\"anchors\": \"40,40\", \"other_anchors\": \"30,90\", \"classes\": 2", "m7NK,@mn5<2", -2, 2},
    {"Unfold", "\"kernel_size\": [2, 3], \"padding\": [1, 0], \"stride\": [1, 2]", "mK35", -2, 2},
    {"Fold", "\"output_size\": [2, 4], \"kernel_size\": [2, 3], \"padding\": [1, 0]", "m66", -2, 2},
    {"ZeroPad1d", "\"padding\": [2, 1]", "mk4", -2, 2},
    {"ZeroPad2d", "\"padding\": [1, 2, 0, 1]", "mk34", -2, 2},
    {"ZeroPad3d", "\"padding\": [1, 1, 0, 1, 1, 0]", "m232", -2, 2},
    {"ConstantPad1d", "\"padding\": [2, 1], \"value\": 1.5", "mk4", -2, 2},
    {"ConstantPad2d", "\"padding\": [1, 2, 0, 1], \"value\": 1.5", "mk34", -2, 2},
    {"ConstantPad3d", "\"padding\": [1, 1, 0, 1, 1, 0], \"value\": 1.5", "m232", -2, 2},
    {"ReflectionPad1d", "\"padding\": [2, 1]", "mk4", -2, 2},
    {"ReflectionPad2d", "\"padding\": [1, 2, 0, 1]", "mk34", -2, 2},
    {"ReflectionPad3d", "\"padding\": [1, 1, 0, 1, 1, 0]", "m232", -2, 2},
    {"ReplicationPad1d", "\"padding\": [2, 1]", "mk4", -2, 2},
    {"ReplicationPad2d", "\"padding\": [1, 2, 0, 1]", "mk34", -2, 2},
    {"ReplicationPad3d", "\"padding\": [1, 1, 0, 1, 1, 0]", "m232", -2, 2},
    {"CircularPad1d", "\"padding\": [2, 1]", "mk4", -2, 2},
    {"CircularPad2d", "\"padding\": [1, 2, 0, 1]", "mk34", -2, 2},
    {"CircularPad3d", "\"padding\": [1, 1, 0, 1, 1, 0]", "m232", -2, 2},
    {"Cropping1d", "\"cropping\": [1, 2]", "mk5", -2, 2},
    {"Cropping2d", "\"cropping\": [1, 0, 1, 1]", "mk34", -2, 2},
    {"Cropping3d", "\"cropping\": [0, 1, 1, 0, 0, 1]", "m232", -2, 2},
    {"CenterCrop", "\"height\": 2, \"width\": 3", "mk35", -2, 2},
    {"Upsample", "\"size\": [3, 5], \"mode\": \"nearest\", \"align_corners\": false", "mk24", -2, 2},
    {"Upsample", "\"size\": 4, \"mode\": \"linear\"", "mk3", -2, 2},
    {"Upsample", "\"scale_factor\": 1.5, \"mode\": \"bilinear\"", "mk23", -2, 2},
    {"Upsample", "\"scale_factor\": [1.5, 2.5], \"mode\": \"bicubic\"", "mk23", -2, 2},
    {"Upsample", "\"size\": [4, 2], \"mode\": \"bicubic\"", "mk33", -2, 2},
    {"Upsample", "\"size\": [2, 1, 3], \"mode\": \"trilinear\"", "mk222", -2, 2},
    {"Upsample", "\"size\": [2, 3], \"mode\": \"area\", \"align_corners\": false", "mk52", -2, 2},
    {"UpsamplingNearest2d", "\"scale_factor\": 2", "mk22", -2, 2},
    {"UpsamplingBilinear2d", "\"size\": [4, 3]", "mk23", -2, 2},
    {"PixelShuffle", "\"upscale_factor\": 2", "m8nk", -2, 2},
    {"PixelUnshuffle", "\"downscale_factor\": 2", "mk42", -2, 2},
    {"ChannelShuffle", "\"groups\": 3", "m6k", -2, 2},
    {"Embedding", "\"num_embeddings\": %K, \"embedding_dim\": %N, \"scale_grad_by_freq\": false", "#mn<K", -2, 2},
    {"PoissonNLLLoss", NULL, "mk,mk", 0.3, 2},
    {"GaussianNLLLoss", NULL, "mk,mk,mk", 0.3, 2},
    {"MAPELoss", NULL, "mk,mk", 0.3, 2},
    {"MSLELoss", NULL, "mk,mk", 0.3, 2},
    {"MarginRankingLoss", NULL, "mk,mk,mk", -2, 2},
    {"MultiMarginLoss", NULL, "mK,#m<K", -2, 2},
    {"MultiMarginLoss", "\"p\": 2", "mK,#m<K,=K", -2, 2},
    {"MultiLabelMarginLoss", NULL, "mK,#mK<K", -2, 2},
    {"MultiLabelSoftMarginLoss", NULL, "mK,mK", -2, 2},
    {"MultiLabelSoftMarginLoss", NULL, "mK,mK,=K", -2, 2},
    {"CategoricalHingeLoss", NULL, "mK,mK", -2, 2},
    {"CosineSimilarity", NULL, "mK,mK", 0.3, 2},
    {"PairwiseDistance", NULL, "mK,mK", -2, 2},
    {"CosineSimilarityLoss", NULL, "mK,mK", 0.3, 2},
    {"CosineEmbeddingLoss", NULL, "mK,mK,=m", 0.3, 2},
    {"CircleLoss", "\"gamma\": 2", "6K,#6<3", -0.5, 0.5},
    {"AdaptiveLogSoftmaxWithLoss", "\"in_features\": 4, \"n_classes\": 6, \"cutoffs\": [2, 4], \"div_value\": 2", "m4,#m<6", -2, 2},
    {"MixtureOfExperts", "\"in_features\": 3, \"hidden_features\": 2, \"num_experts\": 3", "*3", -2, 2},
    {"TripletMarginLoss", NULL, "mK,mK,mK", -2, 2},
    {"TripletMarginWithDistanceLoss", NULL, "mK,mK,mK", 0.3, 2},
    {"DiceLoss", NULL, "mK,mK", 0.05, 0.95},
    {"TverskyLoss", NULL, "mK,mK", 0.05, 0.95},
    {"BinaryFocalLoss", NULL, "mk,mk", 0.05, 0.95},
    {"FocalLoss", NULL, "mK,#m<K", 0.3, 2},
    {"GeneralizedCrossEntropyLoss", NULL, "mKn,#mn<K", 0.3, 2},
    {"CTCLoss", "\"blank\": 8, \"batch_first\": true", "m69,#m2<8", -3, -0.5},
    {"Threshold", "\"threshold\": 0.5, \"value\": 2.0", "*", -2, 2},
    {"GLU", NULL, "mK4", -2, 2},
    {"CReLU", NULL, "mKn", -2, 2},
    {"Maxout", "\"num_units\": 2", "mK6", -2, 2},
    {"Softmin", NULL, "*K", -2, 2},
    {"Softmax2d", NULL, "mK22", -2, 2},
    {"Sparsemax", NULL, "*K", -2, 2},
    {"ScaledDotProductAttention", NULL, "ntK,nSK,nSN", -2, 2},
    {"ScaledDotProductAttention", "\"is_causal\": false, \"enable_gqa\": true", "n4TK,n2SK,n2S3,=TS", -2, 2},
    {"MultiheadAttention", "\"embed_dim\": 4, \"num_heads\": 2", "n24", -2, 2},
    {"MultiheadAttention", "\"embed_dim\": 2, \"num_heads\": 1, \"kdim\": %K, \"vdim\": 3, \"bias\": false, \"is_causal\": true, \"need_weights\": true, \"average_attn_weights\": false, \"rotary\": true", "n32,n3K,n33,-,=33", -2, 2},
    {"MultiheadAttention", "\"embed_dim\": 4, \"num_heads\": 2, \"add_bias_kv\": true, \"add_zero_attn\": true, \"bias\": true, \"is_causal\": false, \"average_attn_weights\": true", "n24,-,-,-,=22", -2, 2},
    {"AdditiveAttention", "\"embed_dim\": 3", "nt3,nS3", -2, 2},
    {"SinusoidalPositionalEncoding", NULL, "nT4", -2, 2},
    {"RotaryEmbedding", NULL, "nT4", -2, 2},
    {"ConvLSTM1d", "\"in_channels\": 1, \"out_channels\": 2, \"kernel_size\": 2, \"padding\": \"same\"", "m213", -2, 2},
    {"ConvLSTM2d", "\"in_channels\": 1, \"out_channels\": 2, \"kernel_size\": 2, \"padding\": \"valid\"", "m1133,m222,m222", -2, 2},
    {"ConvLSTM3d", "\"in_channels\": 1, \"out_channels\": 1, \"kernel_size\": [1, 2, 2]", "m21122", -2, 2},
    {"ConvLSTM1dCell", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": 2, \"padding\": \"same\"", "mK3,m23,m23", -2, 2},
    {"ConvLSTM2dCell", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": [1, 2]", "mK13", -2, 2},
    {"ConvLSTM3dCell", "\"in_channels\": %K, \"out_channels\": 2, \"kernel_size\": [1, 2, 1]", "mK131", -2, 2},
    {"EmbeddingBag", "\"num_embeddings\": %K, \"embedding_dim\": 4, \"scale_grad_by_freq\": false", "#mn<K", -2, 2},
    {"EmbeddingBag", "\"num_embeddings\": %K, \"embedding_dim\": 3, \"mode\": \"sum\", \"scale_grad_by_freq\": false", "#mn<K,-,mn", -2, 2},
    {"GCNConv", "\"in_channels\": %K, \"out_channels\": %N", "MK,#2e<M", -2, 2},
    {"GCNConv", "\"in_channels\": %K, \"out_channels\": %N", "MK,#2e<M,e", 0.3, 2},
    {"SAGEConv", "\"in_channels\": %K, \"out_channels\": %N", "MK,#2e<M", -2, 2},
    {"GINConv", NULL, "MK,#2e<M", -2, 2},
    {"GATConv", "\"in_channels\": %K, \"out_channels\": %N, \"heads\": 2", "MK,#2e<M", -2, 2},
    {"GATv2Conv", "\"in_channels\": %K, \"out_channels\": 2, \"heads\": 2", "MK,#2e<M", -2, 2},
    {"GlobalMeanPool", "\"size\": 3", "mk,#m<3", -2, 2},
    {"GlobalAddPool", "\"size\": 3", "mk,#m<3", -2, 2},
    {"GlobalMaxPool", "\"size\": 3", "mk,#m<3", -2, 2},
    {"Bilinear", "\"in1_features\": %K, \"in2_features\": %N, \"out_features\": 2", "mK,mN", -2, 2},
    {"EinsumDense", "\"weight_shape\": [%K, %N], \"bias_shape\": %N", "*K", -2, 2},
    {"EinsumDense", "\"equation\": \"nk,kjm->nmj\", \"weight_shape\": [%K, 2, 3]", "nK", -2, 2},
    {"Add", NULL, "mkn,m1n,mn", -2, 2},
    {"Subtract", NULL, "mk,mk", -2, 2},
    {"Multiply", NULL, "mk,mk,mk", -2, 2},
    {"Average", NULL, "mkn,mn,m11", -2, 2},
    {"Maximum", NULL, "mk,mk,mk", -2, 2},
    {"Minimum", NULL, "mkn,m1n,mn", -2, 2},
    {"Concatenate", NULL, "mk,m3,mn", -2, 2},
    {"Dot", NULL, "mnK,m2K", 0.3, 2},
    {"Dot", "\"dim1\": 1, \"dim2\": -1", "mK,mK", 0.3, 2},
    {"GaussianDropout", "\"rate\": 0.3", "*", -2, 2},
    {"GaussianNoise", "\"stddev\": 0.5", "*", -2, 2},
    {"Dropout1d", NULL, "mk4", -2, 2},
    {"Dropout2d", NULL, "mk22", -2, 2},
    {"Dropout3d", NULL, "mk212", -2, 2},
    {"FeatureAlphaDropout", NULL, "mkn", -2, 2},
    {"LocalResponseNorm", "\"size\": 3, \"alpha\": 0.5", "mK3", -2, 2},
    {"Normalize", NULL, "mKn", 0.3, 2},
    {"PowerIteration", "\"rows\": %K, \"columns\": %N", "=KN", -2, 2},
    {"MaxPool1dWithIndices", "\"kernel_size\": 3, \"padding\": 1, \"dilation\": 2", "mk7", -2, 2},
    {"MaxPool2dWithIndices", "\"kernel_size\": [3, 2], \"stride\": [2, 1], \"padding\": 1", "mk34", -2, 2},
    {"MaxPool3dWithIndices", "\"kernel_size\": [1, 2, 2]", "mk225", -2, 2},
    {"AdaptiveMaxPool1dWithIndices", "\"output_size\": 2", "mk5", -2, 2},
    {"AdaptiveMaxPool2dWithIndices", "\"output_size\": [3, 0]", "mkN4", -2, 2},
    {"AdaptiveMaxPool3dWithIndices", "\"output_size\": 1", "mkNN3", -2, 2},
    {"MaxUnpool1d", "\"kernel_size\": 2", "mk4,#mk4<8", -2, 2},
    {"MaxUnpool2d", "\"kernel_size\": [2, 3]", "mk21,#mk21<9", -2, 2},
    {"MaxUnpool3d", "\"kernel_size\": [1, 2, 2]", "mk211,#mk211<8", -2, 2},
    {"LPPool1d", "\"norm_type\": 3, \"kernel_size\": 2", "mk5", 0.3, 2},
    {"LPPool2d", "\"norm_type\": 2, \"kernel_size\": [2, 1], \"stride\": 1", "mk32", -2, 2},
    {"LPPool3d", "\"norm_type\": 1.5, \"kernel_size\": [1, 2, 2]", "mk122", 0.3, 2},
    {"FractionalMaxPool2d", "\"kernel_size\": 2", "mk45", -2, 2},
    {"FractionalMaxPool2d", "\"kernel_size\": 2, \"output_size\": [3, 2]", "mk45", -2, 2},
    {"FractionalMaxPool3d", "\"kernel_size\": [1, 2, 2], \"output_size\": [2, 2, 1]", "mk232", -2, 2},
    {"Normalization", "\"num_features\": %K", "*K", -2, 2},
    {"Rescaling", "\"scale\": 0.4, \"offset\": 0.3", "*", -2, 2},
    {"CategoryEncoding", "\"num_tokens\": %K", "#mn<K", -2, 2},
    {"CategoryEncoding", "\"num_tokens\": %K, \"output_mode\": \"count\"", "#mn<K,mn", -2, 2},
    {"Discretization", "\"num_bins\": 4", "*", -2, 2},
    {"Hashing", "\"num_bins\": %K", "#mn<9", -2, 2},
    {"RandomFlip", NULL, "mk23", -2, 2},
    {"RandomCrop", "\"height\": 2, \"width\": 3, \"padding\": 1", "mk23", -2, 2},
    {"RandomRotation", "\"factor\": 0.3", "mk34", -2, 2},
    {"RandomZoom", "\"height_factor\": 0.3, \"width_factor\": [-0.2, 0.4]", "mk34", -2, 2},
    {"RandomTranslation", "\"height_factor\": 0.5, \"width_factor\": 1", "mk34", -2, 2},
    {"RandomShear", "\"x_factor\": 0.5, \"y_factor\": 0.2", "k34", -2, 2},
    {"RandomBrightness", "\"factor\": 0.3, \"value_range\": [-9, 9]", "mk23", -2, 2},
    {"RandomContrast", "\"factor\": 0.3, \"value_range\": [-9, 9]", "mk23", -2, 2},
    {"RandomSaturation", "\"factor\": 0.4, \"value_range\": [-9, 9]", "m322", -2, 2},
    {"RandomHue", "\"factor\": 0.4, \"value_range\": [-9, 9]", "m322", -2, 2},
    {"RandomGrayscale", NULL, "m322", -2, 2},
    {"RandomInvert", "\"value_range\": [-9, 9]", "mk22", -2, 2},
    {"Solarization", "\"threshold_factor\": 0.4, \"value_range\": [-9, 9]", "mk22", -2, 2},
    {"RandomErasing", "\"scale\": 0.4, \"value_range\": [-9, 9]", "mk33", -2, 2},
    {"RandomGaussianBlur", "\"value_range\": [-9, 9]", "mk33", -2, 2},
    {"AutoContrast", "\"value_range\": [-9, 9]", "mk23", -2, 2},
    {"Equalization", "\"value_range\": [-9, 9], \"bins\": 3", "mk23", 0.5, 1},
    {"RandomPerspective", NULL, "mk34", -2, 2},
    {"RandomElasticTransform", "\"value_range\": [-9, 9]", "mk78", -2, 2},
    {"ContrastLimitedAdaptiveHistogramEqualization", "\"value_range\": [-900, 900], \"tile_grid_size\": 2", "mk23", -2, 2},
    {"MixUp", NULL, "mk23,mn", -2, 2},
    {"CutMix", NULL, "mk34,mn", -2, 2},
    {"HashedCrossing", "\"num_bins\": %K", "#mn<9,#mn<9", -2, 2},
    {"RandomSharpness", "\"factor\": 1, \"value_range\": [-9, 9]", "mk34", -2, 2},
    {"RandomColorDegeneration", "\"factor\": 1, \"value_range\": [-9, 9]", "m322", -2, 2},
    {"RandomPosterization", "\"factor\": 3, \"value_range\": [-9, 9]", "mk23", 0.1, 1},
    {"RandomColorJitter", "\"contrast_factor\": 0.3, \"hue_factor\": 0.4, \"value_range\": [-9, 9]", "m322", -2, 2},
    {"RandAugment", "\"value_range\": [-9, 9]", "m322", 0.5, 1},
    {"AugMix", "\"num_chains\": 2, \"chain_depth\": 1, \"value_range\": [-9, 9]", "m322", 0.5, 1},
    {"MelSpectrogram", "\"fft_length\": 8, \"sequence_stride\": 3, \"num_mel_bins\": 3", "m9", -2, 2},
    {"STFTSpectrogram", "\"frame_length\": 6, \"mode\": \"psd\"", "m9", -2, 2},
    {"STFTSpectrogram", "\"frame_length\": 5, \"mode\": \"stft\", \"padding\": \"same\"", "m9", -2, 2},
    {"Permute", "\"dims\": [2, 1]", "mnk", -2, 2},
    {"Transpose", "\"dim0\": 0, \"dim1\": -1", "mnk", -2, 2},
    {"Select", "\"dim\": 1, \"index\": -1", "mKn", -2, 2},
    {"Narrow", "\"dim\": 1, \"start\": 1, \"length\": 2", "m4n", -2, 2},
    {"Squeeze", "\"dim\": 1", "m1n", -2, 2},
    {"Unsqueeze", "\"dim\": -1", "mn", -2, 2},
    {"RepeatVector", "\"n\": 3", "mk", -2, 2},
    {"Masking", NULL, "mnk", -2, 2},
    {"UnflattenSteps", NULL, "6k,23", -2, 2},
};

enum { LAYER_LINES_MAX = 8 };

static inline int layer_needs_line(const luron_type *type) {
    const luron_option *o;
    const luron_port *p;
    for (int i = 0; (o = luron_type_option(type, i)); i++)
        if (o->flags & LURON_OPTION_REQUIRED) return 1;
    for (int i = 0; (p = luron_type_in(type, i)); i++)
        if (p->flags & (LURON_PORT_INDEX | LURON_PORT_VARIADIC | LURON_PORT_OPTIONAL) || p->dtype != LURON_REAL ||
            p->ndim)
            return 1;
    return 0;
}

/** The lines of a type, at most LAYER_LINES_MAX. @return how many; 0: it needs one and has none. */
static inline int layer_lines_of(layer_line *lines, const luron_type *type) {
    int n = 0;
    for (size_t i = 0; i < sizeof layer_lines / sizeof *layer_lines && n < LAYER_LINES_MAX; i++)
        if (!strcmp(layer_lines[i].type, luron_type_name(type))) lines[n++] = layer_lines[i];
    if (n || layer_needs_line(type)) return n;
    lines[0] =
        (layer_line){luron_type_name(type), NULL, luron_type_flags(type) & LURON_LAYER_LOSS ? "mk,mk" : "*", -4, 4};
    return 1;
}

/** Options of variation i of a line: as it says, then with each other choice and boolean of the type. @return 0: past
 * the last. */
static inline int layer_variation(char *json, size_t n, const luron_type *type, const layer_line *line,
                                  const int64_t *size, int i) {
    char text[512] = "", name[80];
    const luron_option *o;
    size_t at = 0;
    for (const char *c = line->options ? line->options : ""; *c; c++)
        at += (size_t)(*c == '%' ? (c++, snprintf(text + at, sizeof text - at, "%lld", (long long)size[(int)*c]))
                                 : snprintf(text + at, sizeof text - at, "%c", *c));
    snprintf(json, n, "{%s}", text);
    if (i-- == 0) return 1;
    for (int k = 0; (o = luron_type_option(type, k)); k++) {
        snprintf(name, sizeof name, "\"%s\":", o->name);
        if (strstr(text, name)) continue;
        for (int c = 0; o->kind == LURON_CHOICE && o->choices[c]; c++)
            if (i-- == 0) return snprintf(json, n, "{%s%s%s \"%s\"}", text, *text ? ", " : "", name, o->choices[c]) > 0;
        if (o->kind == LURON_BOOL && i-- == 0)
            return snprintf(json, n, "{%s%s%s %s}", text, *text ? ", " : "", name,
                            o->default_number != 0 ? "false" : "true") > 0;
    }
    return 0;
}

/* A layer with inputs: what is applied again and again. */
typedef struct layer_bench {
    luron_layer *layer;
    generated g;
} layer_bench;
static inline luron_status layer_apply_bench(luron_tensor **outs, luron_ctx *ctx, void *ud) {
    const layer_bench *b = ud;
    luron_tensor *ins[GENERATE_MAX_IN];
    if (!luron_layer_n_params(b->layer) && luron_layer_n_states(b->layer)) /* what comes out may depend on the last call */
        LURON_TRY(luron_layer_reset(ctx, b->layer));
    LURON_TRY(generate_inputs(ins, ctx, &b->g));
    luron_status status = luron_layer_apply(outs, ctx, b->layer, b->g.n_in, ins);
    for (int i = 0; i < b->g.n_in; i++)
        luron_tensor_unref(ins[i]);
    return status;
}
#endif
