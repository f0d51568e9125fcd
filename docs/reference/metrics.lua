-- How good a model is.
return {
  title = "Metrics",
  {
    title = "Use",
    text = [[
A metric takes in batches, and its value is that of all of them: not a mean of means. Sums go by float64 and int64. In `luron.evaluate` and `luron.fit`
`metrics` lists them, by name or as objects with options; their values stand in the results under their names (`f1`, `roc_auc`, ...), or under those that the list gives. What is a tensor
in the results of `evaluate` (a confusion matrix) is a table in the history of `fit`, as a checkpoint keeps it.
`early_stop = { metric = "f1" }` and `luron.schedule.ReduceLROnPlateau(opt, { metric = "f1", mode = "max" })` watch them.

```lua
local luron = require "luron"
local nn = luron.nn
luron.seed(1)

local x = luron.randn(200, 2)
local ds = luron.data.tensors(x, x:sum(2):gt(0):to "int64" + 1)
local net = nn.Linear(2, 2)
luron.fit(net, ds, { epochs = 5, progress = false, validate = ds, metrics = { "F1" }, early_stop = { metric = "f1" } })
local confusion = luron.metrics.ConfusionMatrix { classes = { "below", "above" } }
local result = luron.evaluate(net, ds, { metrics = { "MCC", top = luron.metrics.TopK { k = 2 }, confusion } })
print(result.top, result.confusion_matrix:sum():item())
print(luron.metrics.MAE():update(luron.tensor { 1.0, 2.5 }, luron.tensor { 1.0, 2.0 }))
```

```text
1.0	200
MAE() = 0.25
```

What they take: scores `(n, classes, ...)` or ids said, against class ids `(n, ...)` from 1; or numbers against the option `threshold` (0.5) where the targets are
0 and 1 in float or bool, which makes two classes, no and yes. A target that is `ignore_index` (none) does not count.

`average` of several classes: `"macro"`, the mean over those that occur; `"weighted"` by how often they are so; `"micro"`, all counted together; `"none"`, a tensor of each; `"binary"`, that
of the second of two classes; `"auto"` is binary where there are two and otherwise macro. What would be divided by 0 is 0, as in scikit-learn.]],
    { "metric:update(pred: any, target: any): Metric", "Takes in what was said of some examples and what is so.",
      is = { "luron.metrics.Accuracy():update(luron.tensor { 1, 2, 3 }, luron.tensor { 1, 2, 2 }):update(luron.tensor { 2 }, luron.tensor { 2 }):value()", "0.75" },
      raises = { "luron.metrics.F1():update(luron.rand(2, 3), luron.tensor { 1, 4 })", "F1: target has the id 4, not within the 3 classes that there are: ids count from 1" } },
    { "metric:value(): number|Tensor", "The metric of all that was taken in.", raises = { "luron.metrics.F1():value()", "nothing was taken in" } },
    { "metric:reset(): Metric", "Forgets what was taken in." },
    { "metric:name(): string", "What it is called in results.", is = { "luron.metrics.ROCAUC():name()", '"roc_auc"' } },
    { "metric:mode(): string?", '`"max"` or `"min"`: what is better.', is = { "luron.metrics.MAE():mode()", '"min"' } },
  },
  {
    title = "Classes",
    { "metrics.Accuracy(options?: MetricOptions): Metric", "The share that is right; of many labels `(n, labels)` that of all labels.", is = { "luron.metrics.Accuracy():update(luron.tensor { 0.2, 0.9 }, luron.tensor { 0.0, 0.0 }):value()", "0.5" } },
    { "metrics.TopK(options?: { k: integer?, ignore_index: integer? }): Metric", "The share whose class is among the `k` (5) of largest score.", is = { "luron.metrics.TopK({ k = 2 }):update(luron.tensor { { 0.5, 0.3, 0.2 } }, luron.tensor { 2 }):value()", "1.0" } },
    { "metrics.Precision(options?: AverageOptions): Metric", "What is right of what was said.", is = { 'luron.metrics.Precision({ average = "none" }):update(luron.tensor { 1, 1, 2 }, luron.tensor { 1, 2, 2 }):value()', "{ 0.5, 1.0 }" } },
    { "metrics.Recall(options?: AverageOptions): Metric", "What was said of what is so; macro: the balanced accuracy.", is = { 'luron.metrics.Recall({ average = "none" }):update(luron.tensor { 1, 1, 2 }, luron.tensor { 1, 2, 2 }):value()', "{ 1.0, 0.5 }" } },
    { "metrics.F1(options?: AverageOptions): Metric", "The harmonic mean of precision and recall." },
    { "metrics.FBeta(options?: AverageOptions): Metric", "The same with recall `beta` (1) times as important." },
    { "metrics.Specificity(options?: AverageOptions): Metric", "What was not said of what is not so." },
    { "metrics.IoU(options?: AverageOptions): Metric", "Intersection over union (Jaccard): of what was said or is so, what is both." },
    { "metrics.Dice(options?: AverageOptions): Metric", "The Dice coefficient, which is F1, of masks." },
    { "metrics.ConfusionMatrix(options?: ConfusionOptions): Metric", "How often each class (columns) was said where each is so (rows); `normalize`: `\"true\"` by rows, `\"pred\"` by columns, `\"all\"`. Prints as a table, with names from `classes`.",
      is = { "luron.metrics.ConfusionMatrix():update(luron.tensor { 1, 2, 2 }, luron.tensor { 1, 1, 2 }):value()", "{ { 1, 1 }, { 0, 1 } }" } },
    { "metrics.MCC(options?: MetricOptions): Metric", "Matthews' correlation coefficient, of any number of classes." },
    { "metrics.CohenKappa(options?: KappaOptions): Metric", "Agreement beyond that by chance; `weights` `\"linear\"` or `\"quadratic\"` of ids that are ranks." },
    { "metrics.Hamming(options?: MetricOptions): Metric", "The share that is wrong." },
    { "metrics.ROCAUC(options?: AreaOptions): Metric", "The area under the ROC curve, from all scores, which it keeps; each class against the others, `average` of these `\"macro\"`.",
      is = { "luron.metrics.ROCAUC():update(luron.tensor { 0.1, 0.4, 0.35, 0.8 }, luron.tensor { 0.0, 0.0, 1.0, 1.0 }):value()", "0.75" } },
    { "metrics.PRAUC(options?: AreaOptions): Metric", "The area under precision and recall, by average precision." },
    { "metrics.LogLoss(options?: { ignore_index: integer? }): Metric", "The mean of -log of the probabilities of what is so.", raises = { "luron.metrics.LogLoss():update(luron.tensor { 1.5 }, luron.tensor { 1.0 })", "probabilities from 0 to 1 expected" } },
    { "metrics.Perplexity(options?: { ignore_index: integer? }): Metric", "exp of the mean cross entropy of logits `(n, classes, ...)`.", is = { "luron.metrics.Perplexity():update(luron.zeros(3, 4), luron.tensor { 1, 2, 3 }):value()", "4.0" } },
  },
  {
    title = "Numbers",
    text = "Of tensors of one shape; `R2` and `Pearson` of several columns are means over them.",
    { "metrics.MAE(): Metric", "Mean absolute error." }, { "metrics.MSE(): Metric", "Mean squared error." }, { "metrics.RMSE(): Metric", "Its root.", is = { "luron.metrics.RMSE():update(luron.zeros(2), luron.tensor { 3.0, 3.0 }):value()", "3.0" } },
    { "metrics.MAPE(): Metric", "Mean absolute error in per cent of the target." },
    { "metrics.R2(): Metric", "1 - squared error over that of the mean.", is = { "luron.metrics.R2():update(luron.tensor { 1.0, 2.0, 3.0 }, luron.tensor { 1.0, 2.0, 3.0 }):value()", "1.0" } },
    { "metrics.Pearson(): Metric", "Correlation." },
  },
  {
    title = "Sequences",
    text = "Of texts, tensors of ids, or lists of these. Rates are edits over the length of what is so.",
    { "metrics.EditDistance(): Metric", "How many letters (or ids) are put in, taken out or changed, a mean over the sequences.", is = { 'luron.metrics.EditDistance():update("kitten", "sitting"):value()', "3.0" } },
    { "metrics.WER(): Metric", "Word error rate.", is = { 'luron.metrics.WER():update("the cat sat", "a cat sat down"):value()', "0.5" } },
    { "metrics.CER(): Metric", "The same of letters." },
    { "metrics.is_metric(value: any): boolean", "Is the value a metric?" },
  },
}
