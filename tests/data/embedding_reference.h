/* Made by make_embedding.py with PyTorch 2.13.0. ids (2, 3) from 0, weight (5, 3), padding_idx 1. */
static const double embedding_ids[] = { 0, 3, 1, 3, 3, 4 };
static const double embedding_weight[] = { 0, 0.25, 0.5, 1.5, -0.875, 0.625, 2, 1.75, 1, 1.125, 1.625, -1.5, -1.625, 0.375, -1.875 };
static const double embedding_y[] = { 0, 0.25, 0.5, 1.125, 1.625, -1.5, 1.5, -0.875, 0.625, 1.125, 1.625, -1.5, 1.125, 1.625, -1.5, -1.625, 0.375, -1.875 };
static const double embedding_v[] = { 1.125, -0.5, -1.625, 0.875, 1.125, -2, -0.375, -1, -0.125, -0.625, -1.875, -1.875, 0.375, 0.375, 1, 1.75, -1.75, -0.625 };
static const double embedding_grad[] = { 1.125, -0.5, -1.625, 0, 0, 0, 0, 0, 0, 0.625, -0.375, -2.875, 1.75, -1.75, -0.625 };
