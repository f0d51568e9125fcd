/* Made by make_layers.py with PyTorch 2.13.0, Keras 3.12.0; do not edit. */
static const double bag_cases_0[] = { 1, 4, 0, 2, 2, 3 };
static const double bag_cases_1[] = { -1.5, 3.5625, -2.625, 0.3125, 7, -4.9375 };
static const double bag_cases_2[] = { 0.625, 0.625, -0.625, 0, -0.25, 0 };
static const double bag_cases_3[] = { 2.0625, -1.5, 2.625, -1.5625, 2.625, -2.875, 1.25, 2.375, -2.25, -2.1875, 2.25, -0.4375, -2, 2.4375, -2.375 };
static const double bag_cases_4[] = { 0.625, 0.625, -0.625, 0.625, 0.625, -0.625, 0, -0.5, 0, 0, -0.25, 0, 0.625, 0.625, -0.625 };
static const double bag_cases_5[] = { 1, 4, 0, 4, 2, 2, 3, 0 };
static const double bag_cases_6[] = { 0, 3, 3, 7 };
static const double bag_cases_7[] = { 5.875, 0.125, -0.1875, 0, 0, 0, 3.6875, 5.125, -5.5625, 0.375, 0.5, 1.9375 };
static const double bag_cases_8[] = { -0.25, -0.4375, 0.375, -0.125, 0.125, -0.8125, -0.375, 0.875, 0.625, 0.375, 0.6875, 0 };
static const double bag_cases_9[] = { 0.375, 0.5, 1.9375, 2.75, -0.8125, -1.3125, 1.375, 1.125, -2.6875, -1.8125, 2.4375, 0.625, 2.75, 0.4375, -0.8125 };
static const double bag_cases_10[] = { 0.125, 0.25, 0.375, -0.25, -0.4375, 0.375, -0.75, 1.75, 1.25, -0.375, 0.875, 0.625, -0.625, 0.4375, 1 };
static const double bag_cases_11[] = { 0, 2, 6, 8 };
static const double bag_cases_12[] = { 2.625, -3.9375, 4.125, 0.5, 0.5, 5.75, -0.1875, 3.5, -0.5625 };
static const double bag_cases_13[] = { -0.3125, 0.5625, -0.9375, 0.5625, 0.625, -0.0625, 0.5, -0.25, 0.6875 };
static const double bag_cases_14[] = { -2.125, 2.125, 1.6875, 2, -2.8125, 2.5625, 1, -0.25, 1.25, 1.9375, 1.375, -2.25, 0.625, -1.125, 1.5625 };
static const double bag_cases_15[] = { 1.0625, 0.375, 0.625, -0.3125, 0.5625, -0.9375, 1.125, 1.25, -0.125, 0.5, -0.25, 0.6875, 0.25, 1.1875, -1 };
static const double bag_cases_16[] = { -4.1875, -1.6875, 0.6875, 1.5625, -2.625, 1.9375 };
static const double bag_cases_17[] = { 0.25, 0.4375, 0.6875, 0.5, -0.5, -0.8125 };
static const double bag_cases_18[] = { -0.125, -0.1875, -0.8125, -2.625, 0.6875, 0.3125, 2.75, -1.6875, -1.0625, 1.5625, -2.625, 1.9375, -1.4375, -2.1875, 1.1875 };
static const double bag_cases_19[] = { 0.25, 0.4375, 0.6875, 0.25, 0.4375, 0.6875, 0, 0, 0, 0.5, -0.5, -0.8125, 0.25, 0.4375, 0.6875 };
static const double bag_cases_20[] = { -2.8125, 2.9375, -1.3125, 0, 0, 0, -1.3125, 1.8125, 4.5, -0.4375, -0.6875, -1.8125 };
static const double bag_cases_21[] = { -0.4375, -0.8125, -0.0625, -0.5625, -1, -0.875, -0.875, 0.3125, -0.4375, -0.8125, -0.9375, -0.25 };
static const double bag_cases_22[] = { -0.4375, -0.6875, -1.8125, -0.5, 2.8125, -2.375, 0.75, 0, -2.75, 0.5625, 1, 1.625, -1.875, 0.8125, 2.875 };
static const double bag_cases_23[] = { -1.25, -1.75, -0.3125, -0.4375, -0.8125, -0.0625, 0, 0, 0, -0.875, 0.3125, -0.4375, -1.3125, -0.5, -0.5 };
static const double bag_cases_24[] = { -1.5625, -2.875, -2.4375, -5.0625, -1.0625, 0.125, -0.4375, -2.4375, -0.8125 };
static const double bag_cases_25[] = { -0.75, -0.9375, -0.9375, 0.9375, 0.0625, 0.6875, 0.875, 0, 0.8125 };
static const double bag_cases_26[] = { -2.875, 0.25, 1.5625, 0.625, -1.5625, -1, 2.875, -1.25, -2.8125, 2.4375, -2.6875, -2.375, -2.1875, -1.3125, -1.4375 };
static const double bag_cases_27[] = { 1.8125, 0.0625, 1.5, -0.75, -0.9375, -0.9375, 0, 0, 0, 0.875, 0, 0.8125, 0.1875, -0.875, -0.25 };
static const double bag_cases_28[] = { 0.5, -0.25, 0.75, -2.0416666666666665, -1, -2.4791666666666665 };
static const double bag_cases_29[] = { -0.5, -0.125, 0.1875, -0.8125, 0.375, 0.875 };
static const double bag_cases_30[] = { 0.75, -1.0625, 2.75, -2.125, 0.0625, 0.6875, -2.4375, -2, -2.9375, -1.25, 1, -1.5625, 2.875, 0.25, -1.1875 };
static const double bag_cases_31[] = { -0.16666666666666666, -0.041666666666666664, 0.0625, -0.16666666666666666, -0.041666666666666664, 0.0625, -0.5416666666666666, 0.25, 0.5833333333333333, -0.2708333333333333, 0.125, 0.29166666666666663, -0.16666666666666666, -0.041666666666666664, 0.0625 };
static const double bag_cases_32[] = { 0.14583333333333334, -0.5625, -0.5833333333333334, 0, 0, 0, 1.3125, 0.578125, -0.75, 1.0625, 2.3125, -1.3125 };
static const double bag_cases_33[] = { -0.375, 0, 0.1875, -0.5625, -0.75, -0.875, 0.0625, 0.0625, -0.6875, 0.5, -0.875, -0.6875 };
static const double bag_cases_34[] = { 1.0625, 2.3125, -1.3125, -1.375, -1.875, 2.125, 1.8125, 2.75, -0.9375, 0.875, -1.0625, 1.4375, 0.75, -2.125, -2.5625 };
static const double bag_cases_35[] = { 0.375, -0.875, -0.625, -0.125, 0, 0.0625, 0.03125, 0.03125, -0.34375, 0.015625, 0.015625, -0.171875, -0.109375, 0.015625, -0.109375 };
static const double bag_cases_36[] = { -1.4375, 0.28125, 0.4375, -0.109375, 0.625, -1.359375, 1.03125, -2.65625, -2.34375 };
static const double bag_cases_37[] = { -0.8125, -0.25, 0.1875, 0.3125, -0.875, 0.5625, 0.9375, -0.1875, 0.5625 };
static const double bag_cases_38[] = { 0.625, -2.4375, -1.9375, -1.5625, -1.125, -0.625, 0.125, 1.625, -2.5, 1.4375, -2.875, -2.75, -1.3125, 1.6875, 1.5 };
static const double bag_cases_39[] = { 0.546875, -0.3125, 0.421875, -0.40625, -0.125, 0.09375, 0.15625, -0.4375, 0.28125, 0.46875, -0.09375, 0.28125, -0.328125, -0.34375, 0.234375 };
static const double bag_cases_40[] = { -0.16666666666666666, 1.5, -1.9583333333333333, -2.8125, 1, -0.5 };
static const double bag_cases_41[] = { 0.125, 0.8125, -0.0625, -0.6875, 0.4375, 0.3125 };
static const double bag_cases_42[] = { -0.1875, 0.9375, -1.6875, -2, 2.625, -2.1875, -0.4375, -0.5, -2.3125, -2.8125, 1, -0.5, 1.6875, 0.9375, -2 };
static const double bag_cases_43[] = { 0.041666666666666664, 0.2708333333333333, -0.020833333333333332, 0.041666666666666664, 0.2708333333333333, -0.020833333333333332, 0, 0, 0, -0.6875, 0.4375, 0.3125, 0.041666666666666664, 0.2708333333333333, -0.020833333333333332 };
static const double bag_cases_44[] = { -0.8125, -0.16666666666666666, 0.041666666666666664, 0, 0, 0, 0.3125, -2.40625, -1.4375, -1.9375, 2.5, 0.0625 };
static const double bag_cases_45[] = { -0.375, 0.875, -0.25, -0.4375, -0.6875, 0.8125, -0.3125, -0.8125, -0.75, -0.3125, -0.1875, 0.6875 };
static const double bag_cases_46[] = { -1.9375, 2.5, 0.0625, -2.375, -1, 0.375, 2.1875, 3, 2.625, -1.25, -2.8125, -2.5625, 1.875, -2, -0.3125 };
static const double bag_cases_47[] = { -0.4375, 0.10416666666666663, 0.6041666666666666, -0.125, 0.29166666666666663, -0.08333333333333333, 0, 0, 0, -0.15625, -0.40625, -0.375, -0.28125, -0.11458333333333337, -0.4583333333333333 };
static const double bag_cases_48[] = { -0.9375, -0.25, -2.3125, 1.03125, 1.25, -0.65625, 0.96875, -0.65625, 1.59375 };
static const double bag_cases_49[] = { -0.625, 0.3125, -0.1875, 0.3125, -0.5, 0, -0.625, -0.1875, 0.4375 };
static const double bag_cases_50[] = { 2.75, 0, 1.25, -1.1875, -3, -2.0625, -2.625, -1.5, 2.0625, -0.8125, -1.3125, 1.9375, -0.6875, 2.5, -2.5625 };
static const double bag_cases_51[] = { -0.15625, -0.34375, 0.21875, -0.3125, 0.15625, -0.09375, 0, 0, 0, -0.3125, -0.09375, 0.21875, -0.15625, -0.09375, -0.09375 };
static const double bag_cases_52[] = { 2.0625, 1.875, -1.25, 1.75, 0.1875, 1.4375 };
static const double bag_cases_53[] = { 0.0625, -0.25, 0.75, 0.5, -0.9375, 0.5625 };
static const double bag_cases_54[] = { 1.125, -1.75, -1.25, 2.0625, 1.875, -2.375, 1.75, -2.1875, 1.4375, -1.375, 0.1875, -1.5625, 0.25, 1.875, -1.375 };
static const double bag_cases_55[] = { 0, 0, 0.75, 0.0625, -0.25, 0, 0.5, 0, 0.5625, 0, -0.9375, 0, 0, 0, 0 };
static const double bag_cases_56[] = { 2.5, 2.875, 1.3125, 0, 0, 0, 0.8125, 2.4375, 1.125, 2.5, 2.875, -2.625 };
static const double bag_cases_57[] = { 0.4375, 0.9375, 0.8125, 0.5, 0.25, 0.4375, 0.75, -0.0625, -0.375, -0.6875, -0.9375, -0.9375 };
static const double bag_cases_58[] = { 2.5, 2.875, -2.625, -0.25, -1.0625, 1.3125, 0.5, 2.4375, 1.125, -2.4375, -2.8125, 0.0625, 0.8125, -2.375, -2.4375 };
static const double bag_cases_59[] = { -0.25, 0, -0.9375, 0, 0, 0.8125, 0, -0.0625, -0.375, 0, 0, 0, 0.75, 0, 0 };
static const double bag_cases_60[] = { 2.0625, -1.1875, 0.125, 1.875, -0.1875, 0.125, 2.375, 2.8125, 2.125 };
static const double bag_cases_61[] = { -0.0625, 0.5625, 0.75, 0.375, -0.0625, 0.375, 0.75, 0.0625, -0.25 };
static const double bag_cases_62[] = { 1.875, -0.375, -1.75, 2.0625, -2.8125, -2.125, -2.625, -0.1875, -0.5625, 2.375, 2.8125, 2.125, -2.0625, -1.1875, 0.125 };
static const double bag_cases_63[] = { 0.375, 0, 0, -0.0625, 0, 0, 0, -0.0625, 0, 0.75, 0.0625, -0.25, 0, 0.5625, 1.125 };
static const double bag_cases_64[] = { 1.3125, -0.25, 1.8125, -1.6875, 2.0625, -1.5 };
static const double bag_cases_65[] = { 0.875, 0.625, 0.9375, -0.25, -0.5625, 0.8125 };
static const double bag_cases_66[] = { 1.1875, -0.5, -0.25, -1.1875, -0.25, 1.8125, 2, 0.625, -2.0625, -1.6875, 2.0625, -1.5, 1.3125, -2, 0.5 };
static const double bag_cases_67[] = { 0, 0, 0, 0, 0.625, 0.9375, 0, 0, 0, -0.25, -0.5625, 0.8125, 0.875, 0, 0 };
static const double bag_cases_68[] = { 0.375, 0.4375, -0.125, 0, 0, 0, 1, 0.4375, -0.25, 0.375, -1.875, -0.125 };
static const double bag_cases_69[] = { -0.1875, -0.4375, 0.625, 0.5625, 0.4375, 0.75, 0.0625, -0.0625, 0.75, 0.5625, -0.3125, 0.8125 };
static const double bag_cases_70[] = { 0.375, -1.875, -0.125, -2.25, -1.3125, -1.3125, 0, -1.1875, 0.5625, 1, -2, -1.4375, -2.6875, 0.4375, -0.25 };
static const double bag_cases_71[] = { 0.375, -0.3125, 1.4375, 0, 0, 0, 0, 0, 0, 0.0625, 0, 0, 0, -0.5, 0.75 };
static const double bag_cases_72[] = { 0, 2.9375, -0.5, 0.8125, 2.9375, -0.0625, 0.8125, -0.125, 2.4375 };
static const double bag_cases_73[] = { 0.125, -0.3125, -0.75, 0.875, -0.375, -0.625, 0.1875, 0.25, 0.25 };
static const double bag_cases_74[] = { 0.8125, -0.8125, -0.0625, 0, 0.3125, -0.5, 0.3125, 1.8125, -0.0625, -1.375, -0.125, 2.4375, -2.9375, 2.9375, -2.4375 };
static const double bag_cases_75[] = { 1.0625, 0, -0.625, 0.125, 0, -0.75, 0, 0, 0, 0, 0.25, 0.25, 0, -0.6875, 0 };
static const double bag_cases_76[] = { -1.375, 1.171875, 1.9609375, -1.1875, -0.95703125, -1.82421875, -0.15234375, 2.390625 };
static const double bag_cases_77[] = { 0, 3, 5 };
static const double bag_cases_78[] = { -2.1875, -0.375, -1.8125, 0.875, -0.5625, 1, -1.6875, -0.3125 };
static const double bag_cases_79[] = { -2.76171875, 3.83984375, -7.89453125, -2.19140625, 0.01953125, 0.88671875, -1.140625, -5.09765625, -5.1953125 };
static const double bag_cases_80[] = { -1, 0.4375, 0.6875, -0.125, 0.0625, -0.875, -0.8125, 0.0625, 0.5625 };
static const double bag_cases_81[] = { -1.375, -2.6875, 2.5625, 2.5625, 0.75, 1.25, 2.4375, -2.5625, 0.5625, 2.375, 2, 2.9375, -0.9375, -1.625, 1.375 };
static const double bag_cases_82[] = { 2.06640625, -0.8125, -1.421875, 2.1875, -0.95703125, -1.50390625, -0.7421875, 0.02734375, 1.0546875, 1.37109375, -0.10546875, -0.94921875, 0.265625, -0.109375, -1.0234375 };
static const double bag_cases_83[] = { 1.4375, 5.8125, -1.55078125, 0.875, 0.875, 0.4140625 };
static const double bag_cases_84[] = { 1.625, -1.3125, -0.25, 2.4375, 2.0625, 0.75 };
static const double bag_cases_85[] = { -2.7265625, 0.26171875, -4.80859375, 0.1875, 9.421875, 10.171875 };
static const double bag_cases_86[] = { 0.9375, -0.9375, 0.4375, 0.0625, -0.5625, 0.9375 };
static const double bag_cases_87[] = { -0.4375, 1.1875, -0.0625, 0.375, -1.625, -1, 0.5, 1.9375, 2.0625, -2.75, 0.9375, 1.1875, 2.625, -2.4375, 2.4375 };
static const double bag_cases_88[] = { -0.234375, 0.234375, -0.109375, 1.5234375, -1.5234375, 0.7109375, 0.28125, -2.53125, 4.21875, 0.046875, -0.421875, 0.703125, -1.23046875, 1.23046875, -0.57421875 };
static const double bag_cases_89[] = { -1.78125, 0.828125, 0, 0.90625, 1.39453125, -2.20703125, -1.18359375, 0 };
static const double bag_cases_90[] = { -2.375, 1.4375, -2.25, 1.0625, 1.9375, -0.4375, 2.6875, 2.875 };
static const double bag_cases_91[] = { 5.2421875, -7.734375, -5.765625, -3.74609375, 3.15234375, -5.73828125, -1.51171875, 4.8671875, -4.703125 };
static const double bag_cases_92[] = { 0.625, 0.375, -0.875, 0.625, 0.3125, -0.875, 0.5, 0.0625, 0.375 };
static const double bag_cases_93[] = { -2.5, 1.9375, 1.25, -1.375, 2.5, 2.125, -2.6875, 2.3125, -2.6875, -1, 2.1875, -2.1875, 1.375, -1.25, -0.5 };
static const double bag_cases_94[] = { 0, 0, 0, -1.484375, -0.890625, 2.078125, 0.9921875, 0.578125, -1.859375, 1.34375, 0.16796875, 1.0078125, 1.5625, 0.87109375, -2.1875 };
static const double bag_cases_95[] = { -3.0234375, 0.24609375, 0, 1.66796875, 1.66796875, -0.39453125 };
static const double bag_cases_96[] = { -0.1875, -0.25, -1.75, -2.5625, 2.875, -1.375 };
static const double bag_cases_97[] = { -0.6875, -0.58984375, -0.13671875, 2.3046875, 2.70703125, -3.52734375 };
static const double bag_cases_98[] = { -0.5625, -0.375, 0.75, -1, 1, -0.1875 };
static const double bag_cases_99[] = { 2.75, 0.125, -0.875, 1.75, 0.0625, -2.6875, -0.875, 0.6875, -0.5625, -1.875, -1.8125, 2.4375, 1.4375, 2.3125, 2.5625 };
static const double bag_cases_100[] = { 0, 0, 0, 0.10546875, 0.0703125, -0.140625, -0.3125, 0.3125, -0.05859375, 1.375, -1.375, 0.2578125, 0.140625, 0.09375, -0.1875 };
static const golden_case bag_cases[] = {
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\"}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_1, GOLDEN_REAL }, bag_cases_2, { NULL }, bag_cases_3, bag_cases_4 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\"}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_7, GOLDEN_REAL }, bag_cases_8, { NULL, NULL }, bag_cases_9, bag_cases_10 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"include_last_offset\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_11, GOLDEN_IDS } }, { 2, { 3, 3 }, bag_cases_12, GOLDEN_REAL }, bag_cases_13, { NULL, NULL }, bag_cases_14, bag_cases_15 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"padding_idx\": 2}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_16, GOLDEN_REAL }, bag_cases_17, { NULL }, bag_cases_18, bag_cases_19 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"padding_idx\": 2}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_20, GOLDEN_REAL }, bag_cases_21, { NULL, NULL }, bag_cases_22, bag_cases_23 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"padding_idx\": 2, \"include_last_offset\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_11, GOLDEN_IDS } }, { 2, { 3, 3 }, bag_cases_24, GOLDEN_REAL }, bag_cases_25, { NULL, NULL }, bag_cases_26, bag_cases_27 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\"}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_28, GOLDEN_REAL }, bag_cases_29, { NULL }, bag_cases_30, bag_cases_31 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\"}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_32, GOLDEN_REAL }, bag_cases_33, { NULL, NULL }, bag_cases_34, bag_cases_35 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\", \"include_last_offset\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_11, GOLDEN_IDS } }, { 2, { 3, 3 }, bag_cases_36, GOLDEN_REAL }, bag_cases_37, { NULL, NULL }, bag_cases_38, bag_cases_39 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\", \"padding_idx\": 2}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_40, GOLDEN_REAL }, bag_cases_41, { NULL }, bag_cases_42, bag_cases_43 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\", \"padding_idx\": 2}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_44, GOLDEN_REAL }, bag_cases_45, { NULL, NULL }, bag_cases_46, bag_cases_47 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\", \"padding_idx\": 2, \"include_last_offset\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_11, GOLDEN_IDS } }, { 2, { 3, 3 }, bag_cases_48, GOLDEN_REAL }, bag_cases_49, { NULL, NULL }, bag_cases_50, bag_cases_51 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\"}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_52, GOLDEN_REAL }, bag_cases_53, { NULL }, bag_cases_54, bag_cases_55 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\"}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_56, GOLDEN_REAL }, bag_cases_57, { NULL, NULL }, bag_cases_58, bag_cases_59 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\", \"include_last_offset\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_11, GOLDEN_IDS } }, { 2, { 3, 3 }, bag_cases_60, GOLDEN_REAL }, bag_cases_61, { NULL, NULL }, bag_cases_62, bag_cases_63 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\", \"padding_idx\": 2}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_64, GOLDEN_REAL }, bag_cases_65, { NULL }, bag_cases_66, bag_cases_67 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\", \"padding_idx\": 2}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_68, GOLDEN_REAL }, bag_cases_69, { NULL, NULL }, bag_cases_70, bag_cases_71 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\", \"padding_idx\": 2, \"include_last_offset\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_11, GOLDEN_IDS } }, { 2, { 3, 3 }, bag_cases_72, GOLDEN_REAL }, bag_cases_73, { NULL, NULL }, bag_cases_74, bag_cases_75 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\"}", 3, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 3 }, bag_cases_77, GOLDEN_IDS }, { 1, { 8 }, bag_cases_78, GOLDEN_REAL } }, { 2, { 3, 3 }, bag_cases_79, GOLDEN_REAL }, bag_cases_80, { NULL, NULL, bag_cases_76 }, bag_cases_81, bag_cases_82 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\"}", 3, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS }, GOLDEN_ABSENT, { 2, { 2, 3 }, bag_cases_84, GOLDEN_REAL } }, { 2, { 2, 3 }, bag_cases_85, GOLDEN_REAL }, bag_cases_86, { NULL, NULL, bag_cases_83 }, bag_cases_87, bag_cases_88 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"padding_idx\": 0}", 3, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 3 }, bag_cases_77, GOLDEN_IDS }, { 1, { 8 }, bag_cases_90, GOLDEN_REAL } }, { 2, { 3, 3 }, bag_cases_91, GOLDEN_REAL }, bag_cases_92, { NULL, NULL, bag_cases_89 }, bag_cases_93, bag_cases_94 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"padding_idx\": 0}", 3, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS }, GOLDEN_ABSENT, { 2, { 2, 3 }, bag_cases_96, GOLDEN_REAL } }, { 2, { 2, 3 }, bag_cases_97, GOLDEN_REAL }, bag_cases_98, { NULL, NULL, bag_cases_95 }, bag_cases_99, bag_cases_100 },
};
