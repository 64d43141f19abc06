using System.Numerics;
using System.Runtime.InteropServices;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// LinUCB (Li et al. 2010) with one model for all arms: x theta + c sqrt(x' A^-1 x). Pulls under way count in A, so that the bound of an
/// arm, and of those like it, narrows before its reward is known.
/// </summary>
public sealed class LinUcb(SelectionOptions options) : LinearStrategy(options)
{
    private double[] _width = [];
    private double[] _row = [];

    /// <inheritdoc/>
    public override string Name => "linucb";

    /// <inheritdoc/>
    public override void Begin(ArmSet arms)
    {
        base.Begin(arms);
        if (_width.Length != arms.Stride)
        {
            (_width, _row) = (new double[arms.Stride], new double[arms.Stride]);
        }
    }

    /// <summary>Estimated reward of features, and the half width c sqrt(x' A^-1 x) of its bound.</summary>
    public (double Estimate, double Width) Bound(ReadOnlySpan<double> features)
    {
        Memory.Solve();
        int n = Memory.Dimension;
        double estimate = 0, squares = 0;
        for (int i = 0; i < n; i++)
        {
            estimate += Memory.Theta[i] * features[i];
            double row = 0;
            for (int j = 0; j <= i; j++)
            {
                row += Memory.InverseFactor[(i * n) + j] * features[j];
            }

            squares += row * row;
        }

        return (estimate, Options.Exploration * Math.Sqrt(squares));
    }

    private protected override void Score(ulong key, Span<Vector<double>> scores)
    {
        // |L^-1 x|^2 row by row: x' A^-1 x for all arms at once.
        Span<Vector<double>> width = MemoryMarshal.Cast<double, Vector<double>>(_width.AsSpan());
        Span<Vector<double>> row = MemoryMarshal.Cast<double, Vector<double>>(_row.AsSpan());
        int n = Memory.Dimension;
        width.Clear();
        for (int i = 0; i < n; i++)
        {
            row.Clear();
            AddProduct(Memory.InverseFactor.AsSpan(i * n, i + 1), row);
            for (int arm = 0; arm < row.Length; arm++)
            {
                width[arm] += row[arm] * row[arm];
            }
        }

        Vector<double> exploration = new(Options.Exploration);
        for (int arm = 0; arm < scores.Length; arm++)
        {
            scores[arm] = exploration * Vector.SquareRoot(width[arm]);
        }

        AddProduct(Memory.Theta, scores);
    }
}
