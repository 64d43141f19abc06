namespace Esper.Tamiyo.Selection;

/// <summary>Draws uniformly among the eligible arms, learning nothing: what every other strategy must beat.</summary>
public sealed class RandomSelection : ISelectionStrategy
{
    private ArmSet _arms = new(1, 0);

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public bool IsContextual => false;

    /// <inheritdoc/>
    public void Begin(ArmSet arms) => _arms = arms;

    /// <inheritdoc/>
    public void Advance(double periods)
    {
    }

    /// <inheritdoc/>
    public void Pull(int arm, ReadOnlySpan<double> features)
    {
    }

    /// <inheritdoc/>
    public void Settle(int arm, ReadOnlySpan<double> features, double reward)
    {
    }

    /// <inheritdoc/>
    public Choice Select(ulong key) => Choice.Uniform(_arms, key);
}
