namespace Esper.Tamiyo.Selection;

/// <summary>Cholesky factors of small, symmetric, positive definite matrices, row-major and in place.</summary>
internal static class Cholesky
{
    /// <summary>Replaces A by L with A = L L'; what is above the diagonal becomes 0.</summary>
    /// <exception cref="InvalidOperationException">A is not positive definite.</exception>
    public static void Factor(Span<double> a, int n)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = a[(i * n) + j];
                for (int k = 0; k < j; k++)
                {
                    sum -= a[(i * n) + k] * a[(j * n) + k];
                }

                if (i == j && !(sum > 0))
                {
                    throw new InvalidOperationException($"The matrix is not positive definite: pivot {i} is {sum}.");
                }

                a[(i * n) + j] = i == j ? Math.Sqrt(sum) : sum / a[(j * n) + j];
            }

            a[((i * n) + i + 1)..((i + 1) * n)].Clear();
        }
    }

    /// <summary>Solves L L' x = b in place of b.</summary>
    public static void Solve(ReadOnlySpan<double> l, int n, Span<double> b)
    {
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++)
            {
                b[i] -= l[(i * n) + k] * b[k];
            }

            b[i] /= l[(i * n) + i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++)
            {
                b[i] -= l[(k * n) + i] * b[k];
            }

            b[i] /= l[(i * n) + i];
        }
    }

    /// <summary>Writes the inverse of L.</summary>
    public static void Invert(ReadOnlySpan<double> l, int n, Span<double> inverse)
    {
        inverse.Clear();
        for (int column = 0; column < n; column++)
        {
            inverse[(column * n) + column] = 1 / l[(column * n) + column];
            for (int i = column + 1; i < n; i++)
            {
                double sum = 0;
                for (int k = column; k < i; k++)
                {
                    sum -= l[(i * n) + k] * inverse[(k * n) + column];
                }

                inverse[(i * n) + column] = sum / l[(i * n) + i];
            }
        }
    }
}
