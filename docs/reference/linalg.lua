-- Linear algebra: luron.linalg, and diagonals and products of vectors.
return {
  title = "Linear algebra",
  {
    title = "luron.linalg",
    text = [[
Matrices are the last two dims, float32 or float64; those in front are batches and broadcast. All is computed in float64. What cannot be done raises
and names the matrix of the batch and the pivot, counted from 1. All are differentiable to any order. Through `svd` and `eigh` that has a meaning only for what does not depend on the signs of
vectors, or on the choice of vectors for values that are equal: there a gradient through the vectors is not finite, one through the values is.]],
    { "linalg.solve(a: Tensor, b: Tensor): Tensor", "x with a x = b. b is a matrix, or a vector: of one dim, or of the shape of a without its last dim.",
      is = { "luron.linalg.solve(luron.tensor { { 2.0, 0.0 }, { 0.0, 4.0 } }, luron.tensor { 1.0, 1.0 })", "{ 0.5, 0.25 }" },
      raises = { "luron.linalg.solve(luron.ones(2, 2), luron.ones(2))", "solve: the matrix is singular: pivot 2 is 0" } },
    { "linalg.solve_triangular(a: Tensor, b: Tensor, upper: boolean, unitriangular?: boolean): Tensor",
      "The same for one triangle of a; the rest is not read, nor, with unitriangular, the diagonal, which then counts as 1.",
      is = { "luron.linalg.solve_triangular(luron.tensor { { 2.0, 0.0 }, { 1.0, 1.0 } }, luron.tensor { 2.0, 3.0 }, false)", "{ 1.0, 2.0 }" } },
    { "linalg.inverse(a: Tensor): Tensor", "The inverse. `solve` is quicker and more exact where it is multiplied with something.",
      is = { "luron.linalg.inverse(luron.tensor { { 2.0, 0.0 }, { 0.0, 4.0 } })", "{ { 0.5, 0.0 }, { 0.0, 0.25 } }" },
      raises = { "luron.linalg.inverse(luron.zeros(3, 2, 2))", "inverse: matrix 1 is singular: pivot 1 is 0" } },
    { "linalg.det(a: Tensor): Tensor", "The determinant.", is = { "luron.linalg.det(luron.tensor { { 1.0, 2.0 }, { 3.0, 5.0 } })", "-1.0" } },
    { "linalg.slogdet(a: Tensor): Tensor sign, Tensor logabsdet", "The sign of the determinant and the logarithm of its size, which does not overflow; 0 and -infinity for a singular matrix.",
      is = { "(luron.linalg.slogdet(luron.tensor { { 1.0, 2.0 }, { 3.0, 5.0 } }))", "-1.0" } },
    { "linalg.cholesky(a: Tensor): Tensor", "The lower triangular l, of positive diagonal, with a = l l^T. Of a, which is symmetric, the lower triangle is read.",
      is = { "luron.linalg.cholesky(luron.tensor { { 4.0, 2.0 }, { 2.0, 2.0 } })", "{ { 2.0, 0.0 }, { 1.0, 1.0 } }" },
      raises = { "luron.linalg.cholesky(luron.tensor { { 1.0, 2.0 }, { 2.0, 1.0 } })", "cholesky: the matrix is not positive definite: pivot 2 is not above 0" } },
    { "linalg.qr(a: Tensor): Tensor q, Tensor r", "a (m, n) = q r: orthonormal columns (m, k) and an upper triangle (k, n), k the smaller of m and n. Signs as in LAPACK.",
      is = { "select(2, luron.linalg.qr(luron.tensor { { 3.0, 1.0 }, { 4.0, 1.0 } })):shape()", "{ 2, 2 }" } },
    { "linalg.svd(a: Tensor): Tensor u, Tensor s, Tensor vh", "a (m, n) = u diag(s) vh: u (m, k), s (k) from the largest on, vh (k, n), k the smaller of m and n. In each column of u the first element of nearly the largest size is positive.",
      is = { "select(2, luron.linalg.svd(luron.tensor { { 3.0, 0.0 }, { 0.0, -4.0 }, { 0.0, 0.0 } }))", "{ 4.0, 3.0 }" } },
    { "linalg.eigh(a: Tensor): Tensor values, Tensor q", "a = q diag(values) q^T for a symmetric a, of which the lower triangle is read: values from the smallest on, a vector for each in the columns of q.",
      is = { "(luron.linalg.eigh(luron.tensor { { 0.0, 2.0 }, { 2.0, 0.0 } }))", "{ -2.0, 2.0 }" } },
  },
  {
    title = "Diagonals, products of vectors",
    both = true,
    text = "Of any dtype.",
    { "x:diagonal(offset?: integer, dim1?: integer, dim2?: integer): Tensor", "A view of the elements of two dims (1 and 2 unless given) at (i, i + offset), as the last dim.",
      is = { "luron.tensor({ { 1, 2 }, { 3, 4 } }):diagonal()", "{ 1, 4 }" } },
    { "x:diag(offset?: integer): Tensor", "A matrix with the vector x on that diagonal and 0 elsewhere; of a matrix the diagonal.", is = { "luron.tensor({ 1, 2 }):diag()", "{ { 1, 0 }, { 0, 2 } }" } },
    { "x:trace(): Tensor", "The sum of the diagonal of a matrix, or of each in a batch.", is = { "luron.tensor({ { 1, 2 }, { 3, 4 } }):trace()", "5" } },
    { "x:outer(y: Tensor): Tensor", "The products of all elements of two vectors.", is = { "luron.tensor({ 1, 2 }):outer(luron.tensor { 3, 4 })", "{ { 3, 4 }, { 6, 8 } }" } },
    { "x:dot(y: Tensor): Tensor", "The sum of the products of two vectors.", is = { "luron.tensor({ 1, 2 }):dot(luron.tensor { 3, 4 })", "11" },
      raises = { "luron.zeros(2):dot(luron.zeros(3))", "dot: vectors of one size expected, got 2 and 3" } },
  },
}
