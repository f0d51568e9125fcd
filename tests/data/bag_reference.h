/* Made by make_layers.py with PyTorch 2.13.0, Keras 3.12.0; do not edit. */
static const double bag_cases_0[] = { 1, 4, 0, 2, 2, 3 };
static const double bag_cases_1[] = { -4.5, 1.9375, -5.8125, -4.9375, -6.625, -7.5625 };
static const double bag_cases_2[] = { 0.0625, 0.5, 0.1875, -0.5, -0.3125, 0.9375 };
static const double bag_cases_3[] = { 0.8125, 2.875, -1.3125, -2.5, -0.1875, -1.625, -2.9375, -2.6875, -2.5625, 0.9375, -1.25, -2.4375, -2.8125, -0.75, -2.875 };
static const double bag_cases_4[] = { 0.0625, 0.5, 0.1875, 0.0625, 0.5, 0.1875, -1, -0.625, 1.875, -0.5, -0.3125, 0.9375, 0.0625, 0.5, 0.1875 };
static const double bag_cases_5[] = { 1, 4, 0, 4, 2, 2, 3, 0 };
static const double bag_cases_6[] = { 0, 3, 3, 7 };
static const double bag_cases_7[] = { -3.8125, -3.0625, 2.8125, 0, 0, 0, -5.3125, -3.5, 0.8125, -1.25, -2.8125, 2.4375 };
static const double bag_cases_8[] = { 0, 0.8125, 0.25, -0.375, 0.9375, -0.6875, 0, 0.25, -0.8125, -0.6875, -1, -0.4375 };
static const double bag_cases_9[] = { -1.25, -2.8125, 2.4375, -2.6875, -2.375, -2.1875, -1.3125, -1.4375, -2.25, -2.8125, -2.75, 2.75, 0.125, 2.125, 2.5625 };
static const double bag_cases_10[] = { -0.6875, -0.1875, -0.1875, 0, 0.8125, 0.25, 0, 0.5, -1.625, 0, 0.25, -0.8125, 0, 1.0625, -0.5625 };
static const double bag_cases_11[] = { 0, 2, 6, 8 };
static const double bag_cases_12[] = { 2.5625, -2.5, -2.8125, 2.5625, -1.875, -3.25, 2.1875, 1.125, 3.9375 };
static const double bag_cases_13[] = { -0.625, 0.6875, 0.625, 0.9375, -0.3125, 0.3125, -0.375, 0.5, 0.25 };
static const double bag_cases_14[] = { 1, -1.5625, 2.875, 0.25, -1.1875, -1.4375, -0.375, 0.5, -2.375, 1.1875, 2.6875, 1.0625, 2.3125, -1.3125, -1.375 };
static const double bag_cases_15[] = { 0.5625, 0.1875, 0.5625, -0.625, 0.6875, 0.625, 1.875, -0.625, 0.625, -0.375, 0.5, 0.25, 0.3125, 0.375, 0.9375 };
static const double bag_cases_16[] = { -4.875, -4.125, -2.1875, 0.1875, -2.125, 1.5 };
static const double bag_cases_17[] = { -0.8125, -0.625, -0.5, -0.375, -0.1875, 0.0625 };
static const double bag_cases_18[] = { -2.125, -2.5625, -1.0625, -0.0625, 0.5625, -1.75, -2.3125, -2.6875, 0.25, 0.1875, -2.125, 1.5, -2.6875, -2.125, 0.625 };
static const double bag_cases_19[] = { -0.8125, -0.625, -0.5, -0.8125, -0.625, -0.5, 0, 0, 0, -0.375, -0.1875, 0.0625, -0.8125, -0.625, -0.5 };
static const double bag_cases_20[] = { -3.875, -3.5, 2.9375, 0, 0, 0, -3.3125, 2.375, 3.6875, 1.625, -2.5, 1.4375 };
static const double bag_cases_21[] = { -0.1875, 0.5625, -0.0625, 0.3125, -0.5625, -0.6875, 0.875, -0.75, -0.125, -0.1875, -0.75, -0.9375 };
static const double bag_cases_22[] = { 1.625, -2.5, 1.4375, -2.875, -2.75, -1.3125, 1.6875, 1.5, -2.5, -0.6875, 0.625, 0.875, -2.625, 1.75, 2.8125 };
static const double bag_cases_23[] = { -0.375, -0.1875, -1, -0.1875, 0.5625, -0.0625, 0, 0, 0, 0.875, -0.75, -0.125, 0.6875, -0.1875, -0.1875 };
static const double bag_cases_24[] = { 3.4375, -1.9375, -1.9375, 3.5, -0.4375, -0.6875, 2.25, 0.375, -0.25 };
static const double bag_cases_25[] = { -0.3125, 0.125, 0.75, 1, 0.875, -0.4375, -0.9375, -0.875, 0.625 };
static const double bag_cases_26[] = { 1, -0.5, 1.6875, 0.9375, -2, 0.4375, 2.4375, -0.1875, -2, 1.25, 0.875, -1.9375, 2.5, 0.0625, -2.375 };
static const double bag_cases_27[] = { 0.0625, 0, 0.1875, -0.3125, 0.125, 0.75, 0, 0, 0, -0.9375, -0.875, 0.625, 0.6875, 1, 0.3125 };
static const double bag_cases_28[] = { 0.0625, 0.3541666666666667, 0.10416666666666667, -2.2083333333333335, 0.8958333333333334, -0.9583333333333334 };
static const double bag_cases_29[] = { 0, 0.4375, -0.375, -1, -0.6875, -0.875 };
static const double bag_cases_30[] = { -2, -0.3125, -1.0625, 2.6875, -0.75, -1.375, -2.0625, 2.5, -1, -2.5, -2.3125, -0.875, -0.5, 2.125, 2.75 };
static const double bag_cases_31[] = { 0, 0.14583333333333331, -0.125, 0, 0.14583333333333331, -0.125, -0.6666666666666666, -0.4583333333333333, -0.5833333333333333, -0.3333333333333333, -0.22916666666666666, -0.29166666666666663, 0, 0.14583333333333331, -0.125 };
static const double bag_cases_32[] = { -1.4166666666666667, 1.3125, -1.125, 0, 0, 0, 1.140625, -1.453125, -1.125, -1.5, 2.0625, -0.8125 };
static const double bag_cases_33[] = { -0.1875, 0.4375, 0.375, -0.5625, -0.4375, 0.6875, 0.625, -0.8125, 0.5625, -0.75, 0.5, -0.4375 };
static const double bag_cases_34[] = { -1.5, 2.0625, -0.8125, -1.3125, 1.9375, -0.6875, 2.5, -2.5625, -1.8125, 1, -0.625, 1, -1.4375, -0.0625, -1.875 };
static const double bag_cases_35[] = { -0.8125, 0.6458333333333333, -0.3125, -0.0625, 0.14583333333333331, 0.125, 0.3125, -0.40625, 0.28125, 0.15625, -0.203125, 0.140625, 0.09375, -0.057291666666666685, 0.265625 };
static const double bag_cases_36[] = { 2.375, -2, 0, 0.359375, 0.078125, 0.78125, -1.28125, 0.09375, 1.375 };
static const double bag_cases_37[] = { -0.375, 0.4375, 0.1875, 0.8125, 0.375, -0.8125, -0.9375, 0, 0.25 };
static const double bag_cases_38[] = { 0.1875, -1.5625, 0.25, 1.875, -1.375, 0.25, -0.8125, 2.25, 1.5625, -2.75, 1.75, 2.5, 2.875, -2.625, -0.25 };
static const double bag_cases_39[] = { -0.265625, 0.09375, -0.078125, -0.1875, 0.21875, 0.09375, 0.40625, 0.1875, -0.40625, -0.46875, 0, 0.125, 0.015625, 0.3125, -0.109375 };
static const double bag_cases_40[] = { -0.8125, -0.9375, 1.5833333333333333, -0.125, -1.125, -2 };
static const double bag_cases_41[] = { -0.125, -0.5625, 0.6875, -0.9375, -0.6875, -0.875 };
static const double bag_cases_42[] = { -2.375, -2.4375, 1.3125, 2.8125, 2.4375, 1.5625, 0.6875, 1.375, 2.3125, -0.125, -1.125, -2, -2.875, -2.8125, 1.875 };
static const double bag_cases_43[] = { -0.041666666666666664, -0.1875, 0.22916666666666666, -0.041666666666666664, -0.1875, 0.22916666666666666, 0, 0, 0, -0.9375, -0.6875, -0.875, -0.041666666666666664, -0.1875, 0.22916666666666666 };
static const double bag_cases_44[] = { 0.8333333333333334, 0.8958333333333334, 0.8333333333333334, 0, 0, 0, 0.78125, 1.6875, 1.6875, -0.1875, -0.5625, 2.375 };
static const double bag_cases_45[] = { 0.0625, -0.25, 0.375, -0.1875, -0.0625, -0.375, -0.0625, 0.625, 0.6875, 0.1875, -0.6875, -0.5625 };
static const double bag_cases_46[] = { -0.1875, -0.5625, 2.375, 2.8125, 2.125, -2.0625, -1.1875, 0.125, -0.125, 1.6875, 2.25, 1.1875, -0.125, 1.125, 2.1875 };
static const double bag_cases_47[] = { 0.20833333333333334, -0.7708333333333334, -0.4375, 0.020833333333333332, -0.08333333333333333, 0.125, 0, 0, 0, -0.03125, 0.3125, 0.34375, -0.010416666666666668, 0.22916666666666669, 0.46875 };
static const double bag_cases_48[] = { -1.9375, 0.1875, 0.21875, 0.09375, -0.8125, -0.46875, 0.15625, 0.46875, 0.84375 };
static const double bag_cases_49[] = { -0.4375, -0.4375, 0, -0.375, 0.1875, 0.3125, -0.6875, -0.5, -0.875 };
static const double bag_cases_50[] = { 2.0625, -1.5, 1.3125, -2, 0.5, 2.6875, 1.875, 2.875, -0.75, -1.75, 2.4375, 0.375, -1.875, -0.125, -2.25 };
static const double bag_cases_51[] = { -0.53125, -0.15625, -0.28125, -0.21875, -0.21875, 0, 0, 0, 0, -0.34375, -0.25, -0.4375, -0.40625, -0.125, 0.15625 };
static const double bag_cases_52[] = { 0.4375, 2.375, 1.6875, 1.375, 2.25, 1.6875 };
static const double bag_cases_53[] = { -0.25, 0, 0, 0.125, -0.1875, 0.125 };
static const double bag_cases_54[] = { 0.4375, -0.25, -0.625, -1.3125, 1.9375, 1.6875, 1.375, 2.25, 0.125, -0.1875, 2.1875, 1.6875, -1, 2.375, 0.8125 };
static const double bag_cases_55[] = { -0.25, 0, 0, 0, 0, 0, 0.125, -0.1875, 0, 0, 0, 0.125, 0, 0, 0 };
static const double bag_cases_56[] = { 1.8125, 2.4375, 0.5625, 0, 0, 0, 2.9375, -1.9375, 2.625, 1.8125, -0.0625, -1.375 };
static const double bag_cases_57[] = { 0.25, 0.25, -0.4375, -0.875, 0.875, 0.875, 0.25, 0.4375, 0.8125, -0.875, 0.1875, 0.8125 };
static const double bag_cases_58[] = { 1.8125, -0.0625, -1.375, -0.125, 2.4375, -2.9375, 2.9375, -2.4375, 0.3125, -0.9375, -2.25, 2.625, -1.125, -1.9375, 0.5625 };
static const double bag_cases_59[] = { -0.625, 0.1875, 0.8125, 0, 0.25, 0, 0.25, 0, 0, 0, 0, 0.8125, 0, 0.4375, -0.4375 };
static const double bag_cases_60[] = { -0.3125, 1.375, 1.25, 2, 2.9375, 1.25, 2, 2.9375, -0.9375 };
static const double bag_cases_61[] = { 0.6875, -0.125, 0.0625, -0.875, -0.8125, 0.0625, 0.5625, -0.125, 0.375 };
static const double bag_cases_62[] = { 2, 2.9375, -0.9375, -1.625, 1.375, -2.1875, -0.375, -1.8125, 0.875, -0.5625, 1, -1.6875, -0.3125, -2.9375, 1.25 };
static const double bag_cases_63[] = { -0.3125, -0.9375, 0.375, 0, -0.125, 0, 0, 0, 0, 0, 0, 0, 0.6875, 0, 0.125 };
static const double bag_cases_64[] = { 2.4375, 1.625, 1.9375, 1.1875, 2.625, -2.4375 };
static const double bag_cases_65[] = { -0.0625, 0.8125, 0.6875, 0.25, 0.9375, -0.9375 };
static const double bag_cases_66[] = { -0.0625, 0.375, -1.625, -1, 0.5, 1.9375, 2.0625, -2.75, 0.9375, 1.1875, 2.625, -2.4375, 2.4375, 1.625, -1.3125 };
static const double bag_cases_67[] = { 0, 0, 0, 0, 0, 0.6875, 0, 0, 0, 0.25, 0.9375, -0.9375, -0.0625, 0.8125, 0 };
static const double bag_cases_68[] = { 2.8125, 0.25, 2.1875, 0, 0, 0, 2.125, -1, 2.3125, 1.25, 0.25, -1.75 };
static const double bag_cases_69[] = { -0.75, 0.4375, -0.4375, -0.1875, -0.8125, 0.5, -0.75, 0.375, 0.625, -0.125, 0.875, 0.9375 };
static const double bag_cases_70[] = { 1.25, 0.25, -1.75, 2.8125, -2.5, 1.9375, 1.25, -1.375, 2.5, 2.125, -2.6875, 2.3125, -2.6875, -1, 2.1875 };
static const double bag_cases_71[] = { -0.125, 1.3125, 0.9375, -0.75, 0, 0, 0, 0, 0, -0.75, 0, 0.625, 0, 0.375, -0.4375 };
static const double bag_cases_72[] = { 1.8125, 1, -2.625, 1.8125, 1.1875, -2.5625, 2.75, 1.1875, -0.875 };
static const double bag_cases_73[] = { -0.3125, 0.25, -0.1875, -0.625, -0.625, 0.8125, 0.5, 0.75, 0.875 };
static const double bag_cases_74[] = { 1.8125, 1.1875, -2.5625, 1.8125, 1, -2.625, 1.4375, 0.25, 1.0625, 2.75, 0.125, -0.875, 1.75, 0.0625, -2.6875 };
static const double bag_cases_75[] = { -0.625, 0.125, 0.8125, -0.3125, 0.25, -0.1875, 0, 0, 0, 0.5, 0, 0.875, 0, 0, 0 };
static const double bag_cases_76[] = { -3.515625, -1.5234375, -0.9140625, 1.7578125, 2.69140625, -1.625, -1.8046875, 0.71875 };
static const double bag_cases_77[] = { 0, 3, 5 };
static const double bag_cases_78[] = { -0.3125, 0, 2.5625, -1.6875, 0.6875, -2.25, -0.5625, -0.75 };
static const double bag_cases_79[] = { 0.3203125, -1.5390625, -4.0546875, 2.36328125, -2.62890625, 2.5390625, 5.484375, 0.92578125, -3.57421875 };
static const double bag_cases_80[] = { 0.125, -0.8125, 0.625, -0.9375, 0.125, 0.5625, 0.5, -0.1875, -0.4375 };
static const double bag_cases_81[] = { -0.1875, -0.25, -1.75, -2.5625, 2.875, -1.375, -1.625, -1.0625, 2.3125, -3, 2.9375, -0.5625, -2.0625, 1.125, -0.5625 };
static const double bag_cases_82[] = { -0.0546875, -1.94140625, 1.9296875, -0.0390625, 0.25390625, -0.1953125, -1.76953125, 0.5078125, 1.37109375, -0.28125, 0.10546875, 0.24609375, 1.58203125, -0.2109375, -0.94921875 };
static const double bag_cases_83[] = { 2.375, 2.515625, -1.42578125, 1.12109375, 1.12109375, -0.84765625 };
static const double bag_cases_84[] = { -1.75, -2.625, 0.0625, -1.625, -0.625, -2.625 };
static const double bag_cases_85[] = { -10.70703125, 2.953125, 10.0234375, -3.5390625, 0.5625, -3.2109375 };
static const double bag_cases_86[] = { 0.9375, -0.0625, -0.0625, 0.125, -0.8125, -0.1875 };
static const double bag_cases_87[] = { -1.5625, -2.625, 2, 2.3125, -1.5, -1.8125, 2.375, -1.5625, 2.375, -0.6875, 1.125, -0.8125, 2.5, -0.1875, -2.5625 };
static const double bag_cases_88[] = { 0.05859375, -0.00390625, -0.00390625, -1.640625, 0.109375, 0.109375, -0.28125, 1.828125, 0.421875, -0.328125, 2.1328125, 0.4921875, -2.4609375, 0.1640625, 0.1640625 };
static const double bag_cases_89[] = { 1.5, -0.28515625, 0, -0.46875, 0.7109375, -1.67578125, 0.25390625, 0 };
static const double bag_cases_90[] = { -0.5625, 1.9375, -1.75, 2.75, 0.4375, -0.1875, -2.9375, 1.9375 };
static const double bag_cases_91[] = { -4.82421875, -3.09765625, -2.04296875, -4.26953125, -3.421875, -0.875, -1.078125, 6.78515625, 8.3046875 };
static const double bag_cases_92[] = { 0.625, -0.6875, 0.25, -0.125, 0.25, 0.75, -0.5625, 0, -0.125 };
static const double bag_cases_93[] = { 2.3125, 1.25, -2.75, 1.6875, 0.125, 2.125, 2.8125, 2, 0.75, 0.1875, -2.4375, -2.875, -2, -1.5625, -0.4375 };
static const double bag_cases_94[] = { 0, 0, 0, -0.3515625, 0.38671875, -0.140625, 0.05078125, 0.109375, 0.3515625, 1.65234375, 0, 0.3671875, 0.8671875, -0.64453125, 2.546875 };
static const double bag_cases_95[] = { -1.64453125, 2.16015625, 0, -1.390625, -1.390625, 0.57421875 };
static const double bag_cases_96[] = { -0.3125, 1.6875, -2.75, 1.875, 0.3125, -2.75 };
static const double bag_cases_97[] = { -2.5078125, 4.43359375, -2.94921875, -8.33203125, 1.6953125, -4.06640625 };
static const double bag_cases_98[] = { -0.1875, 0.25, -0.875, 0.125, -0.3125, 0.75 };
static const double bag_cases_99[] = { -0.3125, -2.375, 0.9375, 0.9375, -2.375, 1, -1.6875, -0.875, -1.9375, 1.6875, -1.3125, -0.0625, -1.3125, 2.1875, -1.5625 };
static const double bag_cases_100[] = { 0, 0, 0, 0.05859375, -0.078125, 0.2734375, 0.2734375, -0.68359375, 1.640625, -0.34375, 0.859375, -2.0625, -0.31640625, 0.421875, -1.4765625 };
static const double bag_cases_101[] = { 1.0684345713970416, -1.624020548523503, -0.47011121141469825, -1.3541343135330042, 1.2896517271742898, 0.7093084499458593, 0.23959398340653543, -0.6708631535382992, -1.8688330705709764, 0.12161606557315388, -1.743163606548539, -0.972928524585231, 0.12161606557315388, -1.743163606548539, -0.972928524585231, -0.43499964754166837, -1.6674986489097288, -1.0149991775972262 };
static const double bag_cases_102[] = { -0.125, 0.75, 1, -0.5, 0.8125, 0.5625, -0.625, -0.3125, -0.875, 0.3125, 0.625, -0.9375, 0.4375, 0.9375, -0.9375, -0.9375, -0.9375, 0.4375 };
static const double bag_cases_103[] = { 0.3125, -0.875, -2.4375, 1.5625, -2.375, -0.6875, 0.1875, -2.6875, -1.5, -0.75, -2.875, -1.75, -2.625, 2.5, 1.375 };
static const double bag_cases_104[] = { -0.625, -0.3125, -0.875, -0.125, 0.75, 1, 0, 0, 0, -0.9375, -0.9375, 0.4375, -0.5, 0.8125, 0.5625 };
static const double bag_cases_105[] = { 1, 4, 1, 2, 1, 3 };
static const double bag_cases_106[] = { 0.4663865483511052, 0.4663865483511052, -0.5672268831297226, -0.6379310227506938, -0.5517241277843838, -0.3103448218787159, 0.4663865483511052, 0.4663865483511052, -0.5672268831297226, -0.1216216163623085, -0.28378377151205314, -1.0945945472607765, 0.4663865483511052, 0.4663865483511052, -0.5672268831297226, 0.5480769062130183, -0.49038460029585845, -0.46153844733727856 };
static const double bag_cases_107[] = { 0.5625, -0.8125, 0.625, 0.0625, -0.0625, -0.375, 0.6875, 0.625, 0.1875, -0.1875, -0.6875, 0.4375, -0.0625, 0.5, 0.4375, 0.875, -0.25, 0 };
static const double bag_cases_108[] = { -1.1875, 2.3125, 1.125, 2.3125, 2.3125, -2.8125, -0.1875, -0.4375, -1.6875, 1.1875, -1.0625, -1, -2.3125, -2, -1.125 };
static const double bag_cases_109[] = { 0, 0, 0, 0.3958333333333333, 0.10416666666666666, 0.41666666666666663, -0.1875, -0.6875, 0.4375, 0.875, -0.25, 0, 0.0625, -0.0625, -0.375 };
static const double bag_cases_110[] = { -2.2302260895074175, 0.7413066377294752, -3.232401509688584, 0, 0, 0, 1.1473340153777225, -2.25472836258355, -0.11328855030174245, -1.3886276400688207, 0.37871662910967835, -1.3886276400688207 };
static const double bag_cases_111[] = { -0.4375, 0.6875, -0.375, 0.4375, -0.1875, -0.4375, -1, 0, 0.6875, -0.375, 0.5625, 0.125 };
static const double bag_cases_112[] = { -2.0625, 0.5625, -2.0625, -0.75, 2.25, -0.625, -1.6875, -1.8125, -2.75, 2.75, -1.5625, 2.4375, -0.3125, -2, -1.8125 };
static const double bag_cases_113[] = { -0.40625, 0.625, -0.125, -0.4375, 0.6875, -0.375, 0, 0, 0, -1, 0, 0.6875, -0.71875, 0.34375, 0.15625 };
static const double bag_cases_114[] = { -0.6617431567099595, -0.699612178354943, 1.1882461004328557, -0.5468326859679368, -0.10773132273057325, 1.2159729686323557 };
static const double bag_cases_115[] = { 0.375, -0.25, 0.9375, 0.8125, 0.0625, 0.6875 };
static const double bag_cases_116[] = { 0.875, -2.25, -1.125, -1.0625, -0.1875, 0.6875, 1.625, -2.1875, 2, -2.3125, 2.0625, 1.375, 0.1875, -2.3125, 2.9375 };
static const double bag_cases_117[] = { 0, 0, 0, 0.1736111111111111, -0.04861111111111111, 0.2847222222222222, 0.2708333333333333, 0.020833333333333332, 0.22916666666666666, 0.2708333333333333, 0.020833333333333332, 0.22916666666666666, 0.125, -0.08333333333333333, 0.3125 };
static const double bag_cases_118[] = { 0.790058224689776, 0.6987986028727744, 1.7756625843093468, 0, 0, 0, 1.3325650210564821, 0.6987986028727744, 1.3125, 0.790058224689776, -1.519342739788031, -1.033153063055861 };
static const double bag_cases_119[] = { -0.8125, 0.625, 0.875, -0.875, -0.1875, 0.875, -0.9375, -0.625, 0.6875, -0.5, -0.8125, -0.625 };
static const double bag_cases_120[] = { 0.8125, -1.5625, -1.0625, 1.25, 0.75, 2.8125, 2.125, -0.125, -2.375, -0.25, 0.5, 1.3125, 0.6875, 1.125, -2.9375 };
static const double bag_cases_121[] = { -1.3125, -0.8125, -0.625, 0, 0, 0.875, -0.9375, 0, 0, 0, 0, 0.6875, 0, 0, 0 };
static const double bag_cases_122[] = { 1.9620710847456428, 2.504804883527443, 1.9620710847456428, 0.6063299177194583, -1.194012489178545, 0.2109375 };
static const double bag_cases_123[] = { 1.6875, -2.5625, 2.1875, -2.3125, -2.125, 2.875 };
static const double bag_cases_124[] = { 3.181880944248435, -2.358161352770065, 1.6288142888933268, -5.818055480021831, -2.3291313692608497, 7.784582323558099 };
static const double bag_cases_125[] = { 0.25, -0.8125, -0.9375, 0.4375, 0.875, 0.8125 };
static const double bag_cases_126[] = { 2, 1.8125, -2.125, 1.375, -1.8125, -0.5, 1.125, 2.9375, -2.3125, -0.6875, -0.75, 1.4375, 0.6875, -1.8125, -1.625 };
static const double bag_cases_127[] = { 0, 0, 0, 0.0390625, -5.0078125, -5.359375, -1.01171875, -2.0234375, -1.87890625, 1.2578125, 2.515625, 2.3359375, -0.640625, 2.08203125, 2.40234375 };
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
    { "Embedding", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"padding_idx\": 2, \"max_norm\": 2}", 1, { { 2, { 2, 3 }, bag_cases_0, GOLDEN_IDS } }, { 3, { 2, 3, 3 }, bag_cases_101, GOLDEN_REAL }, bag_cases_102, { NULL }, bag_cases_103, bag_cases_104 },
    { "Embedding", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"max_norm\": 1.5, \"norm_type\": 1, \"scale_grad_by_freq\": true}", 1, { { 2, { 2, 3 }, bag_cases_105, GOLDEN_IDS } }, { 3, { 2, 3, 3 }, bag_cases_106, GOLDEN_REAL }, bag_cases_107, { NULL }, bag_cases_108, bag_cases_109 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"padding_idx\": 2, \"max_norm\": 2, \"scale_grad_by_freq\": true}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_110, GOLDEN_REAL }, bag_cases_111, { NULL, NULL }, bag_cases_112, bag_cases_113 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"mean\", \"max_norm\": 2.5, \"norm_type\": 3, \"scale_grad_by_freq\": true}", 1, { { 2, { 2, 3 }, bag_cases_105, GOLDEN_IDS } }, { 2, { 2, 3 }, bag_cases_114, GOLDEN_REAL }, bag_cases_115, { NULL }, bag_cases_116, bag_cases_117 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\", \"max_norm\": 2}", 2, { { 1, { 8 }, bag_cases_5, GOLDEN_IDS }, { 1, { 4 }, bag_cases_6, GOLDEN_IDS } }, { 2, { 4, 3 }, bag_cases_118, GOLDEN_REAL }, bag_cases_119, { NULL, NULL }, bag_cases_120, bag_cases_121 },
    { "EmbeddingBag", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"sum\", \"max_norm\": 2}", 3, { { 2, { 2, 3 }, bag_cases_105, GOLDEN_IDS }, GOLDEN_ABSENT, { 2, { 2, 3 }, bag_cases_123, GOLDEN_REAL } }, { 2, { 2, 3 }, bag_cases_124, GOLDEN_REAL }, bag_cases_125, { NULL, NULL, bag_cases_122 }, bag_cases_126, bag_cases_127 },
};
