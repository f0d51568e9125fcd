"""PyTorch with the recipe of models/vae.lua."""
import common
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
x, _, test, _ = (torch.tensor(a) for a in common.pictures("fashion-mnist"))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
        self.mean, self.log_var = nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28)))

    def loss(self, x):
        h = self.encoder(x)
        mean, log_var = self.mean(h), self.log_var(h)
        scores = self.decoder(mean + torch.randn_like(mean) * (log_var * 0.5).exp())
        picture = nn.functional.binary_cross_entropy_with_logits(scores, x, reduction="sum")
        return (picture + (mean ** 2 + log_var.exp() - log_var - 1).sum() * 0.5) / len(x)


def run(seed):
    torch.manual_seed(seed)
    model = VAE()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(5):
        for ids in torch.randperm(len(x)).split(128):
            loss = model.loss(x[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        return {"loss": model.loss(test).item()}


common.each_seed("vae", run, 2)
