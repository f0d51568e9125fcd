--- What PyTorch, Keras and NumPy call otherwise, by the table or kind of object in which it is looked for: what stands behind
--- "here it is" or, where it begins with ": ", what is said instead.
local cpu = ": there is no device but the CPU in this version"

local model = {
  forward = ": call it, model(x)", predict = ": call it, model(x), after model:eval()", add = "nn.Sequential { layer, layer }",
  append = "nn.Sequential { layer, layer }", compile = ": loss and optim are options of luron.fit",
  fit = "luron.fit(model, dataset, options)",
  evaluate = "luron.evaluate(model, dataset)", cuda = cpu, cpu = cpu, device = cpu, float = 'to "float32"', double = 'to "float64"',
  modules = "named_layers or apply", children = "named_layers", layers = "named_layers", named_modules = "named_layers or apply",
  named_children = "named_layers", named_buffers = "named_states", buffers = "named_states", register_buffer = "buffer",
  get_layer = "layer", get_submodule = "layer", get_parameter = "parameter", trainable_weights = "parameters", weights = "parameters",
  get_weights = "state_dict", set_weights = "load_state_dict", load_weights = "restore", save_weights = "save", load = "restore",
  count_params = "n_weights", trainable = "freeze and unfreeze", requires_grad_ = "freeze and unfreeze", training = "is_training()",
  to_json = "json", copy = "clone", deepcopy = "clone", register_backward_hook = "register_full_backward_hook", reset_parameters = "reset",
  units = "out_features", kernel = "weight", gamma = "weight", in_channels = "in_features", out_channels = "out_features",
}

--- PyTorch's layers and functions that are not here yet.
local absent = { SyncBatchNorm = true, STFTSpectrogram = true, RandAugment = true, AugMix = true, MixUp = true, CutMix = true, multi_head_attention_forward = true }

local conv = "filters is out_channels, strides is stride, dilation_rate is dilation, use_bias is bias, and in_channels is the first argument"
local depthwise = "out_channels = in_channels * depth_multiplier, groups = in_channels; the rest as of Conv2D"
local separable = conv .. "; depthwise_weight and pointwise_weight are its kernels"
local padding = "padding is a number, or a list that begins with the last dim: left, right, top, bottom"
local cropping = "cropping is a number, or one list: top, bottom, left, right"
local upsampling = "size is scale_factor, interpolation is mode"
local pool = "pool_size is kernel_size, strides is stride"
local norm = "epsilon is eps (Keras's 1e-3), momentum is 1 minus Keras's (0.01), and unbiased = false gives its moving_variance"
local recurrent = "units is hidden_size, go_backwards has no like, return_sequences is what is done with the result, and input_size is the first argument"
local conv_lstm = conv .. ", return_sequences is what is done with the result; channels are dim 3"
local attention = "key_dim times num_heads is embed_dim, use_bias is bias; the order is query, key, value, and bool masks say what is left out"

--- Keras's layers and losses: { PyTorch's name, which may be in `absent`, and how the options go }.
local keras = {
  Dense = { "Linear", "units is out_features, use_bias is bias, kernel_initializer is weight_init, bias_initializer is bias_init; "
    .. "in_features is the first argument, activation is a layer behind it" },
  MaxPool2D = { "MaxPool2d", pool },
  BatchNormalization = { "BatchNorm1d", norm .. "; BatchNorm2d for images" },
  LayerNormalization = { "LayerNorm", "epsilon is eps; normalized_shape in place of axis" },
  RMSNormalization = { "RMSNorm", "epsilon is eps; normalized_shape in place of axis" },
  GroupNormalization = { "GroupNorm", "groups is num_groups, epsilon is eps" },
  SimpleRNN = { "RNN", recurrent },
  SimpleRNNCell = { "RNNCell", "units is hidden_size, and input_size is the first argument" },
  Bidirectional = { "LSTM", "bidirectional is an option: nn.LSTM(input_size, hidden_size, { bidirectional = true })" },
  Resizing = { "Upsample", "size = { height, width }, interpolation is mode" },
  MultiHeadAttention = { "MultiheadAttention", attention },
  GroupQueryAttention = { "MultiheadAttention", "num_query_heads is num_heads, num_key_value_heads is num_kv_heads; " .. attention },
  Attention = { "ScaledDotProductAttention", "scale = 1 where use_scale is false, dropout is dropout_p, causal is is_causal; the order is query, key, value" },
  PositionEmbedding = { "Embedding", "its ids are the positions" },
  SinePositionEncoding = { "SinusoidalPositionalEncoding", "max_wavelength is base; it adds" },
  UnitNormalization = { "Normalize", "axis is dim, whose default is -1 there" },
  SpectralNormalization = { "spectral_norm", "power_iterations is n_power_iterations; it gives a model of the layer" },
  ReversibleEmbedding = { "Embedding", "the output is an nn.Linear without bias that shares the weight: out.weight = embed.weight" },
  LeakyRelu = { "LeakyReLU", "negative_slope" },
  Activation = { "ReLU", "each activation is a layer of its own, and a function: nn.ReLU(), nn.relu(x)" },
  InputLayer = { "Input", "no shape is given: nn.Graph takes it from what comes" },
  Lambda = { "class", "write a class with a forward" },
  Model = { "Graph", "inputs and outputs are its options; or a class, nn.class" },
  Functional = { "Graph", "inputs and outputs are its options" },
  Layer = { "class", "call is forward" },
  CategoricalCrossentropy = { "CrossEntropyLoss", "from_logits is always true; targets are ids from 1, or probabilities" },
  SparseCategoricalCrossentropy = { "CrossEntropyLoss", "from_logits is always true; targets are ids from 1" },
  BinaryCrossentropy = { "BCELoss", "with from_logits = true BCEWithLogitsLoss" },
  MeanSquaredError = { "MSELoss", "the mean over everything" },
  MeanAbsoluteError = { "L1Loss", "the mean over everything" },
  Huber = { "HuberLoss", "delta" },
  BinaryFocalCrossentropy = { "BinaryFocalLoss", "gamma, alpha, apply_class_balancing and label_smoothing; from_logits is true unless it is given" },
  CategoricalFocalCrossentropy = { "FocalLoss", "gamma, alpha and label_smoothing; from_logits is true unless it is given; targets are ids from 1" },
  CategoricalGeneralizedCrossEntropy = { "GeneralizedCrossEntropyLoss", "q; from_logits is true unless it is given; targets are ids from 1" },
  Hinge = { "HingeLoss", "targets are -1 or 1" },
  SquaredHinge = { "SquaredHingeLoss", "targets are -1 or 1" },
  CategoricalHinge = { "CategoricalHingeLoss", "the classes are dim 2" },
  Dice = { "DiceLoss", 'axis is per: none is "batch", those of an image "example_class"' },
  Tversky = { "TverskyLoss", 'alpha and beta; axis is per: none is "batch", those of an image "example_class"' },
  Circle = { "CircleLoss", "gamma, margin and remove_diagonal; targets are ids, references follow them" },
  LogCosh = { "LogCoshLoss", "the mean over everything" },
  MeanAbsolutePercentageError = { "MAPELoss", "the mean over everything" },
  MeanSquaredLogarithmicError = { "MSLELoss", "the mean over everything" },
  Poisson = { "PoissonNLLLoss", "log_input = false, eps = 1e-7" },
  CTC = { "CTCLoss", "the input holds log-probabilities (n, t, classes), blank is the last class there and the first here" },
  HardSilu = { "Hardswish", "no options" },
  KLDivergence = { "KLDivLoss", "the input is the logarithm" },
}
-- Families of one name in 1 to 3 dimensions, or as many as stand behind.
for _, row in ipairs {
  { "Conv%dD", "Conv%dd", conv },
  { "Conv%dDTranspose", "ConvTranspose%dd", conv },
  { "DepthwiseConv%dD", "Conv%dd", depthwise, 2 },
  { "SeparableConv%dD", "SeparableConv%dd", separable, 2 },
  { "LocallyConnected%dD", "LocallyConnected%dd", conv .. "; input_size follows out_channels", 2 },
  { "ZeroPadding%dD", "ZeroPad%dd", padding },
  { "Cropping%dD", "Cropping%dd", cropping },
  { "MaxPooling%dD", "MaxPool%dd", pool },
  { "AveragePooling%dD", "AvgPool%dd", pool },
  { "GlobalAveragePooling%dD", "AdaptiveAvgPool%dd", "output_size = 1" },
  { "GlobalMaxPooling%dD", "AdaptiveMaxPool%dd", "output_size = 1" },
  { "ConvLSTM%dD", "ConvLSTM%dd", conv_lstm },
  { "UpSampling%dD", "Upsample", upsampling },
  { "SpatialDropout%dD", "Dropout%dd", "rate is p" },
  { "AdaptiveAveragePooling%dD", "AdaptiveAvgPool%dd", "output_size" },
  { "AdaptiveMaxPooling%dD", "AdaptiveMaxPool%dd", "output_size" },
} do
  for d = 1, row[4] or 3 do keras[string.format(row[1], d)] = { string.format(row[2], d), row[3] } end
end

local function add_lazy(to)
  for d = 1, 3 do
    for _, kind in ipairs { "Conv%dd", "ConvTranspose%dd", "BatchNorm%dd", "InstanceNorm%dd" } do
      local name = kind:format(d)
      to["Lazy" .. name] = string.format(": %s of nn.%s has to be given, for a model has its weights from the beginning",
        name:find "Norm" and "num_features" or "in_channels", name)
    end
  end
  return to
end

local metrics = {
  AUC = "ROCAUC or PRAUC", AUROC = "ROCAUC", roc_auc_score = "ROCAUC", AveragePrecision = "PRAUC", average_precision_score = "PRAUC", JaccardIndex = "IoU",
  jaccard_score = "IoU", MeanIoU = "IoU", F1Score = "F1", F1_score = "F1", f1_score = "F1", FBetaScore = "FBeta", fbeta_score = "FBeta",
  accuracy_score = "Accuracy", BinaryAccuracy = "Accuracy", CategoricalAccuracy = "Accuracy", SparseCategoricalAccuracy = "Accuracy",
  TopKCategoricalAccuracy = "TopK", SparseTopKCategoricalAccuracy = "TopK", precision_score = "Precision", recall_score = "Recall", Sensitivity = "Recall",
  MatthewsCorrCoef = "MCC", matthews_corrcoef = "MCC", cohen_kappa_score = "CohenKappa", confusion_matrix = "ConfusionMatrix", hamming_loss = "Hamming",
  HammingDistance = "Hamming", R2Score = "R2", r2_score = "R2", MeanSquaredError = "MSE", RootMeanSquaredError = "RMSE", MeanAbsoluteError = "MAE",
  MeanAbsolutePercentageError = "MAPE", PearsonCorrCoef = "Pearson", PearsonCorrelation = "Pearson", WordErrorRate = "WER", CharErrorRate = "CER",
  BalancedAccuracy = 'Recall { average = "macro" }', balanced_accuracy_score = 'Recall { average = "macro" }',
}
for theirs, ours in pairs(metrics) do metrics[theirs] = "luron.metrics." .. ours end

return {
  absent = absent,
  keras = keras,
  luron = {
    manual_seed = "luron.seed", uniform = "luron.rand", normal = "luron.randn", random = "luron.rand", array = "luron.tensor",
    asarray = "luron.tensor", Tensor = "luron.tensor",
    from_numpy = "luron.frombytes", concatenate = "luron.cat", concat = "luron.cat", range = "luron.arange",
    column_stack = "luron.hstack", row_stack = "luron.vstack", pinverse = "luron.linalg.pinv", lstsq = "luron.linalg.lstsq",
    inverse = "luron.linalg.inverse", inv = "luron.linalg.inverse", det = "luron.linalg.det", svd = "luron.linalg.svd",
    qr = "luron.linalg.qr", solve = "luron.linalg.solve",
    cholesky = "luron.linalg.cholesky", save = "model:save(path)", Linear = "luron.nn.Linear",
    Sequential = "luron.nn.Sequential", Module = "luron.nn.class", class = "luron.nn.class", SGD = "luron.optim.SGD",
    Adam = "luron.optim.Adam", AdamW = "luron.optim.AdamW",
    Dataset = "luron.data.tensors", TensorDataset = "luron.data.tensors", DataLoader = "ds:loader { batch = 64 }",
    set_num_threads = "luron.threads(n)",
    get_num_threads = "luron.threads()", set_default_dtype = "luron.default_dtype(name)", get_default_dtype = "luron.default_dtype()",
    is_grad_enabled = "luron.is_recording",
    set_grad_enabled = "luron.no_grad and luron.enable_grad", inference_mode = "luron.no_grad",
    autograd = "luron.grad and x:backward()", F = "luron.nn", func = "luron.jacobian, hessian, vjp and jvp",
    ops = "luron.boxes for boxes, luron.nn for the rest of torchvision.ops",
    functional = "luron.nn (nn.relu), and luron.jacobian, hessian, vjp and jvp", layers = "luron.nn", losses = "luron.nn",
    optimizers = "luron.optim", lr_scheduler = "luron.schedule",
    regularizers = "luron.regularizer", constraints = "luron.constraint", initializers = "luron.nn.init", init = "luron.nn.init",
    clip_grad_norm_ = "luron.clip_grad_norm",
    clip_grad_value_ = "luron.clip_grad_value", AveragedModel = "luron.SWA", ExponentialMovingAverage = "luron.EMA", greater = "x:gt",
    less = "x:lt", equal = "x:eq", power = "x ^ y",
    sparse_coo_tensor = "luron.sparse.coo", sparse_csr_tensor = "luron.sparse.csr",
    divide = "x / y", multiply = "x * y", subtract = "x - y", float32 = 'the name "float32"', float64 = 'the name "float64"',
    int64 = 'the name "int64"', device = cpu, cuda = cpu, jit = "luron.nn.trace",
  },
  ["luron.nn"] = add_lazy {
    functional = "nn itself: nn.relu(x)", F = "nn itself: nn.relu(x)", Parameter = "a tensor: self.gain = luron.ones(3, { requires_grad = true })",
    ModuleList = "a list: self.blocks = { a, b }", ModuleDict = "a table: self.parts = { first = a }", ParameterList = "a list of tensors that require gradients",
    utils = "luron.clip_grad_norm, luron.clip_grad_value", ActivityRegularization = "luron.activity", pad = "x:pad, or layers such as nn.ReflectionPad2d",
    upsample = "nn.interpolate", CrossMapLRN2d = "nn.LocalResponseNorm", parametrizations = "nn.weight_norm and nn.spectral_norm", View = "nn.Reshape",
    JoinTable = "nn.Concatenate", CAddTable = "nn.Add", CSubTable = "nn.Subtract", CMulTable = "nn.Multiply", CMaxTable = "nn.Maximum", CMinTable = "nn.Minimum",
    Replicate = "nn.RepeatVector", batch_norm = "the layer nn.BatchNorm1d, or nn.BatchNorm2d for images",
    instance_norm = "the layer nn.InstanceNorm1d, or nn.InstanceNorm2d for images", binary_cross_entropy = "nn.bce_loss",
    binary_cross_entropy_with_logits = "nn.bce_with_logits_loss", Swish = "nn.SiLU", swish = "nn.silu", one_hot = "luron.one_hot",
    pack_padded_sequence = "lengths, an input of LSTM, GRU and RNN", pad_packed_sequence = "lengths, an input of LSTM, GRU and RNN",
    StringLookup = "luron.preprocess.StringLookup", IntegerLookup = "luron.preprocess.IntegerLookup", TextVectorization = "luron.preprocess.TextVectorization",
    deform_conv2d = "the layer nn.DeformConv2d", DepthwiseConv2d = "nn.Conv2d with groups = in_channels",
    HardSiLU = "nn.Hardswish", hard_silu = "nn.hardswish", HardSwish = "nn.Hardswish",
    sigmoid_focal_loss = "nn.binary_focal_loss", pairwise_cosine_similarity = "nn.cosine_similarity",
    LazyLinear = ": in_features of nn.Linear has to be given, for a model has its weights from the beginning",
    nms = "luron.boxes.nms", batched_nms = "luron.boxes.batched_nms", box_iou = "luron.boxes.box_iou", box_convert = "luron.boxes.box_convert",
    box_area = "luron.boxes.box_area", generalized_box_iou = "luron.boxes.generalized_box_iou", ROIAlign = "nn.RoIAlign", ROIPool = "nn.RoIPool",
    MaxNumBoundingBoxes = "luron.boxes.pad_boxes, of which the second argument is max_number, and fill_value 0",
    Detection = "nn.Yolo, and nn.YoloLoss to train it", Region = "nn.Yolo { softmax = true }",
    generate_square_subsequent_mask = "is_causal, or tgt_is_causal of nn.Transformer",
    DataParallel = ": luron.threads(n) says how many threads run", quantization = ": not in this version",
  },
  checkpoint = { state_dict = "tensor(path), or model()", load_state_dict = "model:restore(checkpoint)", optimizer = "restore_optim(opt)",
    optim = "restore_optim(opt)", parameters = "tensors()" },
  schedule = { get_last_lr = "rates()", state_dict = "state()", load_state_dict = "restore(state)", last_epoch = "steps()",
    base_lrs = "state().base", optimizer = "opt" },
  average = { state_dict = "state()", load_state_dict = "load(state)", update_parameters = "update()", module = "apply(), then the model itself" },
  ["a loader"] = { batch_size = "batch", state_dict = "state()", load_state_dict = "restore(state)", num_workers = ": batches are made in this program" },
  sparse = { todense = "to_dense()", to_sparse = ": it is one", mm = "matmul(x)", T = "t()", coalesce = ": it is", indices = "rows() and cols()",
    row = "rows()", col = "cols()", dim = "#s:shape()", dtype = "values():dtype()" },
  ["luron.linalg"] = {
    inv = "inverse", eig = "eigh, of symmetric matrices", eigvalsh = "eigh", svdvals = "svd", matrix_rank = "svd, whose values tell",
    norm = "x:norm", pinverse = "pinv",
    triangular_solve = "solve_triangular", logdet = "slogdet", diagonal = "x:diagonal", matmul = "x:matmul", dot = "x:dot",
    outer = "x:outer", trace = "x:trace", lu = "solve, det and inverse",
  },
  ["luron.schedule"] = {
    CosineLR = "CosineAnnealingLR", Cosine = "CosineAnnealingLR", Step = "StepLR", MultiStep = "MultiStepLR",
    Exponential = "ExponentialLR", Linear = "LinearLR", Constant = "ConstantLR",
    Polynomial = "PolynomialLR", OneCycle = "OneCycleLR", Cyclic = "CyclicLR", Warmup = "WarmupLR", Plateau = "ReduceLROnPlateau",
    Lambda = "LambdaLR", Sequential = "SequentialLR",
    LearningRateScheduler = "LambdaLR", LRScheduler = "LambdaLR",
  },
  ["luron.metrics"] = metrics,
  metric = { compute = "value()", result = "value()", update_state = "update(pred, target)", reset_state = "reset()", reset_states = "reset()",
    task = ": what is given says it", num_classes = ": what is given says it", top_k = "luron.metrics.TopK", beta = "luron.metrics.FBeta" },
  ["luron.regularizer"] = { L1 = "l1", L2 = "l2", L1L2 = "l1_l2", OrthogonalRegularizer = "orthogonal", lasso = "l1", ridge = "l2",
    weight_decay = "l2" },
  ["luron.constraint"] = {
    maxnorm = "max_norm", MaxNorm = "max_norm", MinMaxNorm = "min_max_norm", UnitNorm = "unit_norm", unitnorm = "unit_norm",
    NonNeg = "non_neg", nonneg = "non_neg",
  },
  ["luron.sparse"] = { coo_matrix = "coo", csr_matrix = "csr", sparse_coo_tensor = "coo", sparse_csr_tensor = "csr",
    to_sparse = "from_dense", mm = "s:matmul", matmul = "s:matmul" },
  ["luron.boxes"] = { area = "box_area", iou = "box_iou", giou = "generalized_box_iou", convert = "box_convert", clip = "clip_boxes_to_image",
    clip_boxes = "clip_boxes_to_image", giou_loss = "nn.generalized_box_iou_loss", roi_align = "nn.roi_align", roi_pool = "nn.roi_pool",
    remove_small = "remove_small_boxes", convert_boxes_to_roi_format = "rois", non_max_suppression = "nms", MaxNumBoundingBoxes = "pad_boxes",
    pad = "pad_boxes" },
  ["luron.data"] = {
    TensorDataset = "tensors", Dataset = "tensors", DataLoader = "ds:loader { batch = 64 }", loader = "ds:loader { batch = 64 }",
    MNIST = "mnist", FashionMNIST = "fashion_mnist", read_csv = "csv",
    random_split = "ds:shuffled(), then ds:split", load = "read", Batch = "graphs", GCNNorm = "gcn_norm", add_self_loops = "gcn_norm",
  },
  lookup = { get_vocabulary = "vocabulary()", vocabulary_size = "#lookup", set_vocabulary = "the option vocabulary", get_config = "state()",
    transform = ": call it, lookup(data)" },
  layer = setmetatable({ save = ": a layer alone is saved in a model: nn.Sequential { layer }:save(path)",
    restore = ": a layer alone is restored in a model: nn.Sequential { layer }:restore(path)" }, { __index = model }),
  model = model,
  module = setmetatable({ json = ": nn.trace(net, example):json()", inputs = ": nn.trace(net, example):inputs()",
    n_nodes = ": nn.trace(net, example):n_nodes()" }, { __index = model }),
  ["luron.optim"] = { SWA = "luron.SWA", EMA = "luron.EMA", swa_utils = "luron.SWA and luron.EMA", lr_scheduler = "luron.schedule",
    Optimizer = ": an optimiser type is made by a plugin, luron plugin new NAME --kind optimiser" },
  optimiser = {
    param_groups = "groups", add_param_group = "add_group", minimize = "loss:backward(), then opt:step()", apply_gradients = "step",
    state_dict = "state(group, i); model:save(path, { optim = opt }) keeps all",
    load_state_dict = "checkpoint:restore_optim(opt)", iterations = "steps()",
  },
  dataset = {
    shuffle = "shuffled(), or ds:loader { shuffle = true }", batch_size = "ds:loader { batch = 64 }", dataloader = "loader",
    take = "range", subset = "range", random_split = "ds:shuffled(), then ds:split",
    size = "#ds", len = "#ds", x = "ds[i][1], or ds:batch(first, last)", y = "ds[i][2], or ds:batch(first, last)",
  },
  -- Options of layers, beside those that the rows of Keras's layers name.
  option = {
    activation = "a layer behind it, such as nn.ReLU()", seed = "luron.seed(n)",
    data_format = "always so: images are (n, c, h, w)", batch_first = "always so: sequences are (n, t, features)", name = 'nn.Sequential { { "name", layer } }',
    return_sequences = "what is done with the result: y:select(2, -1) is the last", return_state = "always so: the states come behind",
    input_shape = "the first argument", input_dim = "the first argument", dtype = 'layer:to "float64"', device = "the CPU alone, in this version",
    kernel_regularizer = "penalty, an option of luron.fit", activity_regularizer = "activity, an option of luron.fit",
    kernel_constraint = "constrain, an option of luron.fit", inplace = "x:relu_() and the like",
    return_indices = "nn.MaxPool2dWithIndices, a type of its own",
  },
  -- Options of fit and evaluate, and of loaders: what is no option of the function at hand does not count.
  fit = {
    batch_size = "batch", bs = "batch", optimizer = "optim", optimiser = "optim", criterion = "loss", loss_fn = "loss",
    num_epochs = "epochs", n_epochs = "epochs", max_epochs = "epochs",
    validation_data = "validate", val = "validate", validation = "validate", verbose = "progress", clipnorm = "clip_norm",
    clipvalue = "clip_value", grad_clip = "clip_norm", scheduler = "schedule",
    lr_scheduler = "schedule", early_stopping = "early_stop", accumulate_grad_batches = "accumulate",
    lr = ": give optim = luron.optim.AdamW(model, { lr = 1e-3 })",
    learning_rate = ": give optim = luron.optim.AdamW(model, { lr = 1e-3 })",
    validation_split = ": ds:split gives two datasets; give one as validate",
  },
  loader = { batch_size = "batch", bs = "batch", num_workers = ": batches are made in this program", random_state = "seed",
    generator = "seed" },
  tensor = {
    numpy = "totable", tolist = "totable", cpu = cpu, cuda = cpu, device = cpu, view_as = "reshape", astype = "to", type = "dtype",
    ndim = "dim()", nelement = "numel", T = "t()", mT = "transpose(-1, -2)",
    copy = "clone", greater = "gt", less = "lt", equal = "eq", inverse = "luron.linalg.inverse", inv = "luron.linalg.inverse",
    det = "luron.linalg.det", svd = "luron.linalg.svd", qr = "luron.linalg.qr",
    swapaxes = "transpose", data = "detach()", len = "size(1)", concat = "luron.cat { a, b }", append = "luron.cat { a, b }",
    is_cuda = cpu, power = "x ^ y", ["repeat"] = "tile", half = 'to "float16"', bfloat16 = 'to "bfloat16"',
  },
}
