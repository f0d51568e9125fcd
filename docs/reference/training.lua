-- Optimisers, data, and training in one call.
return {
  title = "Training",
  {
    title = "Optimisers",
    text = [[
`luron.optim.AdamW(what, options)`: `what` is a layer, model, instance of a class, tensor, list of these, or a list of groups
`{ params = ..., lr = ... }` whose options override the common ones. `opt.groups[i].lr` reads and sets an option of a group between steps;
`opt.groups[i].params` and `.names` are its parameters. `tostring(opt)` shows all. The types are listed at the end.]],
    is = { { "luron.optim.SGD(nn.Linear(2, 1), { lr = 0.5 }).groups[1].lr", "0.5" } },
    { "opt:step()", "One step with the gradients that are there. A gradient that is not finite raises, and nothing has changed." },
    { "opt:zero_grad()", "Drops the gradients of all parameters." },
    { "opt:set(options: table): Optimizer", "Sets options of all groups: `opt:set { lr = 1e-4 }`." },
    { "opt:steps(): integer", "Steps made so far." },
    { "opt:type(): string", "The name of its type." },
    { "opt:state(group: integer, parameter: integer): table<string, Tensor> tensors, table<string, number> scalars", "What it keeps for a parameter, and for its group." },
    { "opt:close()", "Lets go of the optimiser." },
    { "luron.is_optim(value: any): boolean", "Is the value an optimiser?" },
  },
  {
    title = "Datasets",
    text = [[
A dataset is one or more tensors whose first dim counts the examples. `#ds` is their number, `ds[i]` the list of tensors of example i, `ds.classes` the
list of class names where there is one, `ds.tensors` the tensors, `ds.name` its name.]],
    { "data.tensors(tensors...: Tensor, options?: { classes: string[]?, name: string? }): Dataset", "A dataset of tensors.", is = { "#luron.data.tensors(luron.zeros(5, 2), luron.ones(5))", "5" } },
    { "data.mnist(dir: string): Dataset? train, Dataset|string test, string? code", "MNIST from its four IDX files in a folder, gzip or not: images (n, 1, 28, 28) in [0, 1], digits 0 to 9 as ids 1 to 10. nil, message, code on failure." },
    { "data.fashion_mnist(dir?: string): Dataset? train, Dataset|string test, string? code", "Fashion-MNIST likewise; without a folder from $LURON_DATA/fashion-mnist or where Debian's package dataset-fashion-mnist puts it." },
    { "data.idx(path: string): Tensor?, string? message, string? code", "The tensor of an IDX file, gzip or not. A row of uint8 is taken for labels, which come as ids from 1." },
    { "data.csv(path: string, options?: table): table?, string? message, string? code", "A CSV file as `{ data = tensor, columns = names, target = tensor, ids = { name = tensor }, classes = { name = names } }`: numbers, text columns as ids with their classes, and the column that the option `target` names. Without a header columns are called column1, column2, ... Empty cells and NA are NaN (id -1 in a text column). Options: see the format csv at the end." },
    { "data.read(path: string, options?: table): table[]?, string? message, string? code", "The tensors of a file of any format that a plugin reads, as a list of `{ name, tensor, ids, ... }`; `{ format = \"csv\" }` names the format, which options of the format need; otherwise the first bytes decide." },
    { "ds:loader(options?: { batch: integer?, shuffle: boolean?, drop_last: boolean?, seed: integer? }): Loader", "Batches: `for x, y in ds:loader { batch = 64, shuffle = true } do`. 64 unless given, in order unless told to shuffle." },
    { "ds:batch(first: integer|Tensor, last?: integer): Tensor ...", "Examples first to last, or those that a tensor of ids names, as one tensor each." },
    { "ds:range(first: integer, last?: integer): Dataset", "The first n examples, or those from first to last; memory is shared.", is = { "#luron.data.tensors(luron.zeros(5, 2)):range(2, 4)", "3" } },
    { "ds:split(fraction: number): Dataset first, Dataset rest", "Two datasets, in order: use `ds:shuffled():split(0.8)` where order matters." },
    { "ds:shuffled(): Dataset", "The examples in random order, copied." },
    { "ds:map(fn: fun(x: Tensor): Tensor): Dataset", "fn applied to the first tensor of every batch." },
    { "loader:examples(): integer", "Number of examples in an epoch; `#loader` is the number of batches." },
    { "loader:state(): table", "Where it is; a checkpoint keeps it (`save { loader = }`)." },
    { "loader:restore(state: table)", "Goes on from there: the next loop gives the rest of that epoch, in the same order." },
  },
  {
    title = "In one call",
    { "luron.fit(model: Model|Module|Layer, data: Dataset|Loader, options?: FitOptions): table[]",
      "Trains and gives the history, one entry `{ epoch, loss, accuracy, validation }` an epoch. The loop in it is the one that the tutorial writes by hand." },
    { "luron.evaluate(model: Model|Module|Layer, data: Dataset|Loader, options?: { batch: integer?, loss: string|function|Layer|nil }): { loss: number, accuracy: number?, n: integer }",
      "Mean loss and, where targets are class ids, the share that is right; in eval mode, with nothing recorded." },
    { "luron.progress(epochs: integer, examples: integer): Progress", "The progress line that `fit` shows: loss, accuracy, examples a second, time left." },
    { "line:begin()", "Begins the next epoch." },
    { "line:step(n: integer, loss: number, right?: integer)", "A batch of n examples with this mean loss, of which `right` were right." },
    { "line:finish(extra?: string)", "Ends the epoch and its line, with a text of yours behind." },
    text = [[
Options of `fit`: `epochs` (1), `batch` (64), `shuffle` (true), `loss` (`"cross_entropy"`, the name of another loss function, or a
function of outputs and targets), `optim` (AdamW over the model), `validate` (a dataset to evaluate after every epoch), `progress` (false: no line),
`callbacks` (functions of entry, model and optimiser; one that returns `"stop"` ends the training).]],
  },
}
