using System.Numerics;
using System.Runtime.InteropServices;

namespace Esper.Tamiyo.Selection;

/// <summary>A strategy that learns one linear model of the reward over the features of all arms.</summary>
public abstract class LinearStrategy : ISelectionStrategy
{
    private double[] _scores = [];

    private protected LinearStrategy(SelectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        Memory = new LinearMemory(options);
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public bool IsContextual => true;

    private protected SelectionOptions Options { get; }

    private protected LinearMemory Memory { get; }

    private protected ArmSet Arms { get; private set; } = new(1, 1);

    /// <inheritdoc/>
    public virtual void Begin(ArmSet arms)
    {
        ArgumentNullException.ThrowIfNull(arms);
        Arms = arms;
        if (_scores.Length != arms.Stride)
        {
            _scores = new double[arms.Stride];
        }

        Memory.Begin(arms.FeatureCount);
    }

    /// <inheritdoc/>
    public void Advance(double periods) => Memory.Advance(periods);

    /// <inheritdoc/>
    public void Pull(int arm, ReadOnlySpan<double> features) => Memory.Pull(features);

    /// <inheritdoc/>
    public void Settle(int arm, ReadOnlySpan<double> features, double reward) => Memory.Settle(features, reward);

    /// <inheritdoc/>
    public Choice Select(ulong key)
    {
        Memory.Solve();
        Score(key, MemoryMarshal.Cast<double, Vector<double>>(_scores.AsSpan()));
        return Choice.Best(Arms, _scores, key);
    }

    /// <summary>Writes every arm's score, in the unit of rewards, before prices.</summary>
    private protected abstract void Score(ulong key, Span<Vector<double>> scores);

    /// <summary>Adds the product of coefficients and features to every arm's score.</summary>
    private protected void AddProduct(ReadOnlySpan<double> coefficients, Span<Vector<double>> scores)
    {
        for (int feature = 0; feature < coefficients.Length; feature++)
        {
            ReadOnlySpan<Vector<double>> values = Feature(feature);
            Vector<double> coefficient = new(coefficients[feature]);
            for (int i = 0; i < scores.Length; i++)
            {
                scores[i] += coefficient * values[i];
            }
        }
    }

    private protected ReadOnlySpan<Vector<double>> Feature(int index) =>
        MemoryMarshal.Cast<double, Vector<double>>(Arms.Feature(index));
}
