using System.Numerics;
using Esper.Contracts;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// Linear Thompson sampling (Agrawal, Goyal 2013): one vector of coefficients is drawn from N(theta, c^2 A^-1), and the arm whose
/// features it likes best wins. Pulls under way count in A.
/// </summary>
public sealed class LinearThompson(SelectionOptions options) : LinearStrategy(options)
{
    private double[] _drawn = [];

    /// <inheritdoc/>
    public override string Name => "linear-thompson";

    /// <inheritdoc/>
    public override void Begin(ArmSet arms)
    {
        base.Begin(arms);
        if (_drawn.Length != arms.FeatureCount)
        {
            _drawn = new double[arms.FeatureCount];
        }
    }

    /// <summary>Draws coefficients.</summary>
    public void Draw(ulong key, Span<double> coefficients)
    {
        Memory.Solve();
        int n = Memory.Dimension;
        Memory.Theta.CopyTo(coefficients);
        for (int i = 0; i < n; i++)
        {
            // L'^-1 z has the covariance (L L')^-1.
            double z = Options.Exploration * Normal.Draw(KeyedRandom.Bits(key, (ulong)i));
            for (int j = 0; j <= i; j++)
            {
                coefficients[j] += Memory.InverseFactor[(i * n) + j] * z;
            }
        }
    }

    private protected override void Score(ulong key, Span<Vector<double>> scores)
    {
        Draw(key, _drawn);
        scores.Clear();
        AddProduct(_drawn, scores);
    }
}
