/* Made by make_layers.py with PyTorch 2.13.0, Keras 3.12.0; do not edit. */
static const double linear_more_cases_0[] = { -2.0380859375, -0.1552734375, 0.0341796875, -4.461669921875, 1.22021484375, 1.52734375, -10.79296875, 3.192626953125, 5.087646484375, -8.64892578125, 3.9072265625, 7.2666015625, 19.88818359375, -8.791259765625, -8.916015625 };
static const double linear_more_cases_1[] = { -2.95703125, -1.626953125, 3.218505859375, 6.869873046875, -8.82568359375, -8.4443359375, -4.024658203125, -3.137939453125, 3.000732421875, 2.08642578125 };
static const double linear_more_cases_2[] = { 1, -2, -0.25, 0.6875, 2.5, 2.25, 0.125, -2.25, -0.5, -0.3125, -0.75, -1.5, -0.125, -1.3125, -0.125 };
static const double linear_more_cases_3[] = { 1.6875, -2, 1.0625, 0, 2.75, -1.5625, 2.375, 0.5, 2.5625, 1.1875 };
static const double linear_more_cases_4[] = { 4.5732421875, -4.14453125, 10.052734375, -4.541015625, 5.540771484375, -6.208984375, -6.420654296875, -6.927001953125, -2.232421875, -1.29736328125, 13.69384765625, -1.6689453125, -8.74560546875, 9.900390625, 6.50732421875, 10.21142578125, -2.167236328125, 8.11669921875, 8.901123046875, 4.736328125 };
static const double linear_more_cases_5[] = { 0, -0.1875, -0.25, 0, 0.125, -0.9375, -0.125, 0.5625, -0.0625, -0.6875, -0.9375, -0.4375, 1, -0.1875, -0.375, 0.1875, -0.75, 0.5625, 0.8125, -0.6875 };
static const double linear_more_cases_6[] = { -0.9375, -2.875, 0.375, 0.4375, 2.1875, 1.6875, 2.5, 0.0625, -1, -3, -2.25, -1.125, 2.9375, -0.0625, -2.4375, -0.75, -0.875, -1.25, -2.4375, -1.875, -0.25, -1.375, -1.875, -0.625 };
static const double linear_more_cases_7[] = { -0.43212890625, -0.03271484375, 1.4599609375, 0.57421875, -2.9375, -0.6875, -1.278564453125, 0.455078125, 0.838623046875, -3.973388671875, -0.72900390625, -0.57373046875, -0.8173828125, 0.62109375, 4.247802734375, -5.421630859375, 2.17138671875, -0.69677734375, 0.341552734375, 0.158203125, 6.179443359375, -0.536865234375, 1.49853515625, -0.38037109375 };
static const double linear_more_cases_8[] = { 5.05126953125, -4.397705078125, 1.025390625, 1.842041015625, 3.11083984375, 0.73046875 };
static const double linear_more_cases_9[] = { -2.10205078125, -1.201171875, 2.352294921875, 1.6015625, 3.974609375, -3.931640625, -2.01953125, -5.3603515625, -0.4375, -1.845703125, 1.1142578125, -0.2666015625, 2.61962890625, -2.2763671875, -1.454345703125, -3.41455078125, 1.5771484375, -0.75146484375, -1.117919921875, -1.822998046875, 0.6982421875, 1.2568359375, -1.1171875, -0.20947265625 };
static const double linear_more_cases_10[] = { 2.5625, -2.75, 1.75, 2.3125, 1.1875, 1.625 };
static const double linear_more_cases_11[] = { -2.5625, 0.0625, 1.5, 2.5625, 2.8125, -0.5625, -0.1875, 0.3125, -0.75, -1.8125, -1.3125, 1.5625, 1.4375, 2.0625, -2.6875, -0.375, 0.125, -1.5625, 0.0625, -1.3125, 2.125, -0.4375, -0.25, 0.125 };
static const double linear_more_cases_12[] = { -23.4228515625, 14.424072265625, -10.8818359375, 7.43359375, -1.7158203125, -0.888671875, 8.229248046875, 5.591552734375, 4.058837890625, -5.83544921875, 5.33203125, -3.60546875 };
static const double linear_more_cases_13[] = { -0.9375, -0.625, -0.8125, 0.4375, -0.625, -0.8125, 0.6875, -0.25, 1, 0.0625, 0.6875, 0.6875 };
static const double linear_more_cases_14[] = { 1.375, -0.75, -0.9375, -1.625, -0.75, 1.875, -0.0625, 1.4375 };
static const double linear_more_cases_15[] = { 18.068359375, 1.51025390625, -7.064697265625, -9.181884765625, 3.3388671875, 1.356689453125, 0.968505859375, -6.442626953125 };
static const double linear_more_cases_16[] = { 1.07080078125, 1.58935546875, 0.21826171875 };
static const double linear_more_cases_17[] = { -2.2880859375, -5.03466796875, -0.46728515625 };
static const double linear_more_cases_18[] = { -1.4375, -1.8125, 2.5 };
static const double linear_more_cases_19[] = { 1.6875, -0.125, 1.375 };
static const double linear_more_cases_20[] = { 10.33154296875 };
static const double linear_more_cases_21[] = { -0.375 };
static const double linear_more_cases_22[] = { -1.4375, -2.75, -0.5625, -2.3125, -2.8125, -0.5, -0.0625, 1.75, -0.1875 };
static const double linear_more_cases_23[] = { 0.90966796875, -0.0673828125, 0.7412109375, 1.14697265625, -0.0849609375, 0.9345703125, -1.58203125, 0.1171875, -1.2890625 };
static const double linear_more_cases_24[] = { -0.8671875, 0.4140625, -0.6875, 0.15625, -2.3359375, 2.97265625 };
static const double linear_more_cases_25[] = { 2.0625, -1.5, 2.625, -1.5625, 2.625, -2.875 };
static const double linear_more_cases_26[] = { -7.03125, 10.3125, 3.4453125, -13.08984375, 10.78125, -10.0703125, -7.3046875, 15.20703125 };
static const double linear_more_cases_27[] = { 0, -0.25, 0, 0.125, 0.1875, 0.625, 0.9375, -0.25 };
static const double linear_more_cases_28[] = { 1.25, 2.375, -2.25, -2.1875, 2.25, -0.4375, -2, 2.4375, -2.375, 1.8125, 1.9375, -1.875 };
static const double linear_more_cases_29[] = { -0.29296875, -1.4921875, -1.46484375, 0.6484375, 0.4921875, 2.015625, 2.4609375, -0.84375, -0.5390625, -2.453125, -2.6953125, 1.046875 };
static const double linear_more_cases_30[] = { -2.03515625, 0.26171875, 4.9765625, -0.90234375, 1.01953125, 1.0234375, 1.7265625, -2.5, -0.3203125, 3.1640625, -1.359375, -2.1875 };
static const double linear_more_cases_31[] = { -1.3125, 1.375, 1.125, -2.6875, -1.8125, 2.4375, 0.625, 2.75, 0.4375, -0.8125, -0.8125, -1.3125 };
static const double linear_more_cases_32[] = { -0.94140625, 3.93359375, -0.30078125, 7.0546875, 3.8359375, -3.8046875, -9.8671875, 9.5234375, -1.6484375, 6.8515625, 4.671875, 2.5390625, -2.625, -1.828125, 0.859375, -1.7734375 };
static const double linear_more_cases_33[] = { 0.5625, 0.6875, -0.9375, 0.875, 0.3125, -0.0625, 0.4375, 0.625, 0.4375, -0.75, 0.1875, -0.375, 0.5, -0.3125, 0.5625, -0.9375 };
static const double linear_more_cases_34[] = { 1.1875, -0.3125, 0.4375, -2.375, -1.1875, 2.5625, 1.9375, 1.125, 2, 0, -2.125, 2.125 };
static const double linear_more_cases_35[] = { -1.7109375, -0.94921875, -0.28515625, -2.30078125, 1.00390625, -0.75, -2.0234375, -0.19921875, 0.9296875, 0.703125, -0.64453125, 3.57421875 };
static const double linear_more_cases_36[] = { 2.71875, 0.96484375, -2.1171875, -0.08203125, -0.71875, 0.3671875, -1.5546875, 0.9609375, 0.6328125, -1.5546875, 0.40625, -1.24609375 };
static const double linear_more_cases_37[] = { 1.625, 1.9375, -0.1875, 1.4375, -0.75, 2, -0.125, -0.1875, -0.8125, -2.625, 0.6875, 0.3125 };
static const double linear_more_cases_38[] = { 4.0703125, 3.9296875, -3.66796875, 1.015625, -2.44140625, -1.5, 1.44921875, 3.8828125, 2.60546875, 6.74609375, -0.84765625, -4.53515625, 2.203125, 4.3828125, 2.95703125, 6.07421875 };
static const double linear_more_cases_39[] = { 0.5, -0.5, -0.8125, -0.125, -0.25, -0.625, -0.1875, 0.9375, -0.8125, 0.25, 0, -0.9375, 0.1875, 0.3125, 0.5625, -0.625 };
static const double linear_more_cases_40[] = { 2.75, -1.6875, -1.0625, 1.5625, -2.625, 1.9375, -1.4375, -2.1875, 1.1875, 0.75, 1.3125, 2 };
static const double linear_more_cases_41[] = { -0.1015625, -1.38671875, -1.69921875, 1.55859375, -0.80859375, 2.43359375, -1.82421875, 2.56640625, -1.85546875, 0.06640625, -0.8359375, 2.20703125 };
static const golden_case linear_more_cases[] = {
    { "Bilinear", "{\"in1_features\": 3, \"in2_features\": 2, \"out_features\": 4, \"bias\": false}", 2, { { 2, { 5, 3 }, linear_more_cases_2, GOLDEN_REAL }, { 2, { 5, 2 }, linear_more_cases_3, GOLDEN_REAL } }, { 2, { 5, 4 }, linear_more_cases_4, GOLDEN_REAL }, linear_more_cases_5, { linear_more_cases_0, linear_more_cases_1 }, linear_more_cases_6, linear_more_cases_7 },
    { "Bilinear", "{\"in1_features\": 1, \"in2_features\": 4, \"out_features\": 2, \"bias\": false}", 2, { { 3, { 2, 3, 1 }, linear_more_cases_10, GOLDEN_REAL }, { 3, { 2, 3, 4 }, linear_more_cases_11, GOLDEN_REAL } }, { 3, { 2, 3, 2 }, linear_more_cases_12, GOLDEN_REAL }, linear_more_cases_13, { linear_more_cases_8, linear_more_cases_9 }, linear_more_cases_14, linear_more_cases_15 },
    { "Bilinear", "{\"in1_features\": 3, \"in2_features\": 3, \"out_features\": 1, \"bias\": false}", 2, { { 1, { 3 }, linear_more_cases_18, GOLDEN_REAL }, { 1, { 3 }, linear_more_cases_19, GOLDEN_REAL } }, { 1, { 1 }, linear_more_cases_20, GOLDEN_REAL }, linear_more_cases_21, { linear_more_cases_16, linear_more_cases_17 }, linear_more_cases_22, linear_more_cases_23 },
    { "EinsumDense", "{\"equation\": \"...a,ab->...b\", \"weight_shape\": [3, 4]}", 1, { { 2, { 2, 3 }, linear_more_cases_25, GOLDEN_REAL } }, { 2, { 2, 4 }, linear_more_cases_26, GOLDEN_REAL }, linear_more_cases_27, { linear_more_cases_24 }, linear_more_cases_28, linear_more_cases_29 },
    { "EinsumDense", "{\"equation\": \"abc,cde->abde\", \"weight_shape\": [3, 2, 2]}", 1, { { 3, { 2, 2, 3 }, linear_more_cases_31, GOLDEN_REAL } }, { 4, { 2, 2, 2, 2 }, linear_more_cases_32, GOLDEN_REAL }, linear_more_cases_33, { linear_more_cases_30 }, linear_more_cases_34, linear_more_cases_35 },
    { "EinsumDense", "{\"equation\": \"abc,bd->adc\", \"weight_shape\": [3, 4]}", 1, { { 3, { 2, 3, 2 }, linear_more_cases_37, GOLDEN_REAL } }, { 3, { 2, 4, 2 }, linear_more_cases_38, GOLDEN_REAL }, linear_more_cases_39, { linear_more_cases_36 }, linear_more_cases_40, linear_more_cases_41 },
};
