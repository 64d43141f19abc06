using System.Numerics;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// LinUCB (Li et al. 2010) with one model for all arms: x theta + c sqrt(x' A^-1 x). Pulls under way count in A, so that the bound of an
/// arm, and of those like it, narrows before its reward is known.
/// </summary>
public sealed class LinUcb(SelectionOptions options) : LinearStrategy(options)
{
    private Vector<double>[] _features = [];

    /// <inheritdoc/>
    public override string Name => "linucb";

    /// <inheritdoc/>
    public override void Begin(ArmSet arms)
    {
        base.Begin(arms);
        if (_features.Length != arms.FeatureCount)
        {
            _features = new Vector<double>[arms.FeatureCount];
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
        // x' A^-1 x = |L^-1 x|^2, a vector of arms at a time, with their features side by side.
        int n = Memory.Dimension;
        Span<Vector<double>> x = _features;
        ReadOnlySpan<double> theta = Memory.Theta, inverse = Memory.InverseFactor;
        for (int arm = 0; arm < scores.Length; arm++)
        {
            Vector<double> squares = Vector<double>.Zero, estimate = Vector<double>.Zero;
            for (int i = 0; i < n; i++)
            {
                x[i] = Feature(i)[arm];
                estimate += new Vector<double>(theta[i]) * x[i];
                Vector<double> row = Vector<double>.Zero;
                ReadOnlySpan<double> coefficients = inverse.Slice(i * n, i + 1);
                for (int j = 0; j < coefficients.Length; j++)
                {
                    row += new Vector<double>(coefficients[j]) * x[j];
                }

                squares += row * row;
            }

            scores[arm] = estimate + (new Vector<double>(Options.Exploration) * Vector.SquareRoot(squares));
        }
    }
}
