using System.Numerics;
using Esper.Contracts;

namespace Esper.Tamiyo.Selection;

/// <summary>
/// Thompson sampling for Gaussian rewards of unknown mean and variance: each arm has a normal-inverse-gamma posterior, a mean is drawn
/// from every one, and the highest wins.
/// </summary>
/// <remarks>
/// The mean's marginal is a Student t with 2 shape degrees of freedom, drawn in closed form by Bailey's polar method (1994), so that
/// thousands of arms are drawn in one vectorised sweep. A pull under way narrows the draw as a reward at the posterior's mean would.
/// </remarks>
public sealed class ThompsonSampling(SelectionOptions options) : TabularStrategy(options)
{
    private double[] _radius = [];
    private double[] _angle = [];

    /// <inheritdoc/>
    public override string Name => "thompson";

    /// <inheritdoc/>
    public override void Begin(ArmSet arms)
    {
        base.Begin(arms);
        if (_radius.Length != arms.Stride)
        {
            (_radius, _angle) = (new double[arms.Stride], new double[arms.Stride]);

            // Padding is drawn too; a radius of 1 draws its mean.
            Array.Fill(_radius, 1);
        }
    }

    /// <summary>The posterior of an arm.</summary>
    public NormalInverseGamma Posterior(int arm)
    {
        double weight = Memory.Weight(arm), k = Options.PriorWeight + weight;
        double mean = ((Options.PriorWeight * Options.PriorMean) + Memory.Sum(arm)) / k;
        double spread = Memory.SumOfSquares(arm) + (Options.PriorWeight * Options.PriorMean * Options.PriorMean) - (k * mean * mean);
        return new NormalInverseGamma(
            mean, k, Options.PriorShape + (weight / 2), Options.PriorScale + (Math.Max(0, spread) / 2));
    }

    private protected override void Score(ulong key, Span<Vector<double>> scores)
    {
        Draw(key);
        ReadOnlySpan<Vector<double>> weights = Vectors(Memory.Weights), sums = Vectors(Memory.Sums);
        ReadOnlySpan<Vector<double>> squares = Vectors(Memory.Squares), pending = Vectors(Memory.PendingPulls);
        Span<Vector<double>> radii = Vectors(_radius), angles = Vectors(_angle);
        Vector<double> scale = new(Memory.Scale), half = new(0.5), two = new(2.0), one = Vector<double>.One;
        Vector<double> prior = new(Options.PriorWeight), shape = new(Options.PriorShape), rate = new(Options.PriorScale);
        Vector<double> priorSum = new(Options.PriorWeight * Options.PriorMean);
        Vector<double> priorSquares = new(Options.PriorWeight * Options.PriorMean * Options.PriorMean);
        for (int i = 0; i < scores.Length; i++)
        {
            Vector<double> weight = scale * weights[i], k = prior + weight;
            Vector<double> mean = (priorSum + (scale * sums[i])) / k;
            Vector<double> spread = Vector.Max(
                Vector<double>.Zero, (scale * squares[i]) + priorSquares - (k * mean * mean));
            Vector<double> a = shape + (half * weight), b = rate + (half * spread), freedom = two * a;
            Vector<double> student = Vector.SquareRoot(freedom * (Vector.Exp(-two / freedom * Vector.Log(radii[i])) - one))
                * Vector.Cos(angles[i]);
            scores[i] = mean + (student * Vector.SquareRoot(b / (a * (k + pending[i]))));
        }
    }

    /// <summary>Uniform numbers in (0, 1] and angles, two for each eligible arm.</summary>
    private void Draw(ulong key)
    {
        const double Turn = 2 * Math.PI / (1UL << 53);
        for (int arm = 0; arm < Arms.Count; arm++)
        {
            if (Arms.IsEligible(arm))
            {
                ulong bits = KeyedRandom.Bits(key, (ulong)arm);
                _radius[arm] = ((bits >> 11) + 1) * (1.0 / (1UL << 53));
                _angle[arm] = (KeyedRandom.Bits(bits) >> 11) * Turn;
            }
        }
    }
}

/// <summary>Posterior of a Gaussian's mean and variance.</summary>
/// <param name="Mean">Expected mean.</param>
/// <param name="Weight">Pulls that it counts for, k.</param>
/// <param name="Shape">Shape a of the variance's inverse gamma.</param>
/// <param name="Scale">Its scale b.</param>
public readonly record struct NormalInverseGamma(double Mean, double Weight, double Shape, double Scale)
{
    /// <summary>Variance of the mean: b / ((a - 1) k).</summary>
    public double MeanVariance => Scale / ((Shape - 1) * Weight);

    /// <summary>Expected variance of a reward: b / (a - 1).</summary>
    public double RewardVariance => Scale / (Shape - 1);
}
