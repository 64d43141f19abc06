using System.Numerics;
using System.Runtime.InteropServices;

namespace Esper.Tamiyo.Selection;

/// <summary>A strategy that learns of each arm by itself.</summary>
public abstract class TabularStrategy : ISelectionStrategy
{
    private double[] _scores = [];

    private protected TabularStrategy(SelectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        Memory = new ArmMemory(options);
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public bool IsContextual => false;

    private protected SelectionOptions Options { get; }

    private protected ArmMemory Memory { get; }

    private protected ArmSet Arms { get; private set; } = new(1, 0);

    /// <inheritdoc/>
    public virtual void Begin(ArmSet arms)
    {
        ArgumentNullException.ThrowIfNull(arms);
        Arms = arms;
        if (_scores.Length != arms.Stride)
        {
            _scores = new double[arms.Stride];
        }

        Memory.Begin(arms);
    }

    /// <inheritdoc/>
    public void Advance(double periods) => Memory.Advance(periods);

    /// <inheritdoc/>
    public void Pull(int arm, ReadOnlySpan<double> features) => Memory.Pull(arm);

    /// <inheritdoc/>
    public void Settle(int arm, ReadOnlySpan<double> features, double reward) => Memory.Settle(arm, reward);

    /// <inheritdoc/>
    public virtual Choice Select(ulong key)
    {
        Score(key, Vectors(_scores));
        return Choice.Best(Arms, _scores, key);
    }

    /// <summary>Writes every arm's score, in the unit of rewards, before prices.</summary>
    private protected abstract void Score(ulong key, Span<Vector<double>> scores);

    private protected static ReadOnlySpan<Vector<double>> Vectors(ReadOnlySpan<double> values) =>
        MemoryMarshal.Cast<double, Vector<double>>(values);

    private protected static Span<Vector<double>> Vectors(double[] values) =>
        MemoryMarshal.Cast<double, Vector<double>>(values.AsSpan());
}
