namespace Esper.Tamiyo.Selection;

/// <summary>
/// Chooses among arms from the rewards of earlier pulls. What it knows is a fold over the calls since <see cref="Begin"/>: the same
/// calls give the same knowledge, and <see cref="Select"/> changes none of it, so that a decision can be replayed from a log. One
/// thread only.
/// </summary>
public interface ISelectionStrategy
{
    /// <summary>Name, as in configurations.</summary>
    string Name { get; }

    /// <summary>Whether it reads the features of arms.</summary>
    bool IsContextual { get; }

    /// <summary>Forgets everything and starts over with these arms. The only call beside <see cref="Settle"/> that may allocate.</summary>
    void Begin(ArmSet arms);

    /// <summary>Time passes: what was learned before fades by the discount, and leaves the window.</summary>
    /// <param name="periods">How much, from 0; an epoch is 1.</param>
    void Advance(double periods);

    /// <summary>A pull begins; its reward will come later, or never.</summary>
    /// <param name="arm">The arm; -1 for one that is not among the arms any more, which only contextual strategies learn from.</param>
    /// <param name="features">Its features at the time.</param>
    void Pull(int arm, ReadOnlySpan<double> features);

    /// <summary>A pull ends with its reward.</summary>
    /// <param name="arm">As given to <see cref="Pull"/>.</param>
    /// <param name="features">As given to <see cref="Pull"/>.</param>
    /// <param name="reward">The reward, finite.</param>
    void Settle(int arm, ReadOnlySpan<double> features, double reward);

    /// <summary>Chooses the arm to pull next. Does not allocate.</summary>
    /// <param name="key">Key of the random choices in it.</param>
    Choice Select(ulong key);
}
