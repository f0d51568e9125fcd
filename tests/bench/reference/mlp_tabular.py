"""scikit-learn's MLPClassifier on the split of models/mlp_tabular.lua."""
import warnings

import common
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")
common.begin(sklearn)
SETS = {"iris": ("iris.csv", 1), "wine": ("wine_data.csv", 1), "breast_cancer": ("breast_cancer.csv", 1), "digits": ("digits.csv.gz", 0)}
for name, (file, skip) in SETS.items():
    rows = np.array([[float(v) for v in row] for row in common.table("tabular/" + file)[skip:]])
    x, y = rows[:, :-1], rows[:, -1].astype(int)
    test = np.arange(1, len(x) + 1) % 5 == 0
    scale = StandardScaler().fit(x[~test])

    def run(seed):
        model = MLPClassifier(random_state=seed).fit(scale.transform(x[~test]), y[~test])
        return {"accuracy": 100 * model.score(scale.transform(x[test]), y[test]), "epochs": model.n_iter_}

    common.each_seed(name, run)
