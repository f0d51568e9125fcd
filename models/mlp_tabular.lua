--- Small tables: iris, wine, breast_cancer or digits, by a network with one hidden layer of 100, as scikit-learn's MLPClassifier.
--- Every fifth row is kept for the test. Reaches what that one does (docs/models.md); a second at most.
---   luron models/mlp_tabular.lua [--set iris] [--epochs 200] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local luron = require "luron"
local nn, data = luron.nn, luron.data

-- Where the table is, and how it is read: scikit-learn's files begin with a line of sizes and class names.
local sets = {
  iris = { file = "iris.csv", read = { skip = 1, header = "no" }, classes = { "setosa", "versicolor", "virginica" } },
  wine = { file = "wine_data.csv", read = { skip = 1, header = "no" }, classes = { "1", "2", "3" } },
  breast_cancer = { file = "breast_cancer.csv", read = { skip = 1, header = "no" }, classes = { "malignant", "benign" } },
  digits = { file = "digits.csv.gz", read = { header = "no" }, classes = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" } },
}
local args = options.parse("mlp_tabular.lua", "A small network learns a small table.", { epochs = 200, lr = 0.001, data = true, save = "mlp_tabular.h5" },
  function(parser) parser:option("--set", "The table", "iris"):choices { "iris", "wine", "breast_cancer", "digits" } end)
local set = sets[args.set]
local table_of = options.need(data.csv(options.file(args, "tabular", set.file), set.read))
local n, columns = table_of.data:size(1), table_of.data:size(2)
local x, y = table_of.data:narrow(2, 1, columns - 1), table_of.data:select(2, columns):long() + 1 -- classes count from 1 here

-- Every fifth row is for the test: the rows are in order of their class, so each class has its share.
local is_test = (luron.arange(n) % 5):eq(0)
local train = data.tensors(x[~is_test], y[~is_test], { classes = set.classes, name = args.set })
local test = data.tensors(x[is_test], y[is_test])

-- The first layer brings the columns to one size, by the training rows. As it is in the file, that takes rows as they are.
local model = nn.Sequential {
  luron.adapt(nn.Normalization(columns - 1), train),
  nn.Linear { columns - 1, 100, weight_init = "xavier_uniform" }, nn.ReLU(), nn.Linear { 100, #set.classes, weight_init = "xavier_uniform" },
}
print(train)
local opt = luron.optim.Adam(model, { lr = args.lr, weight_decay = 1e-4 / math.min(200, #train) }) -- alpha of scikit-learn
local start = luron.clock()
local history = luron.fit(model, train, { epochs = args.smoke and 20 or args.epochs, batch = math.min(200, #train), optim = opt, progress = false })
local result = luron.evaluate(model, test)
print(string.format("training loss %.4f; %.2f %% of %d test rows right after %.1f s", history[#history].loss, 100 * result.accuracy, result.n,
  luron.clock() - start))
model:save(args.save, { optim = opt, preprocessing = { classes = set.classes } })
print("saved " .. args.save)
