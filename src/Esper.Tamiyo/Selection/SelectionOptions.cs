namespace Esper.Tamiyo.Selection;

/// <summary>Settings of the strategies. Rewards are in units in which 1 is a good one.</summary>
public sealed record SelectionOptions
{
    /// <summary>Epsilon-greedy: share of the pulls that are drawn blindly, in [0, 1].</summary>
    public double Epsilon { get; init; } = 0.1;

    /// <summary>UCB1, LinUCB and linear Thompson: width of the confidence bound, or of the draw, in units of reward.</summary>
    public double Exploration { get; init; } = 0.5;

    /// <summary>Reward expected of an arm that was never tried.</summary>
    public double PriorMean { get; init; } = 1;

    /// <summary>Pulls that this expectation counts for, above 0.</summary>
    public double PriorWeight { get; init; } = 1;

    /// <summary>Thompson: shape of the prior of the reward's variance, above 1.</summary>
    public double PriorShape { get; init; } = 2;

    /// <summary>Thompson: scale of that prior, above 0; the variance expected is scale / (shape - 1).</summary>
    public double PriorScale { get; init; } = 0.25;

    /// <summary>Factor on the weight of what is known for each period that passes, in (0, 1]; 1 = nothing fades.</summary>
    public double Discount { get; init; } = 1;

    /// <summary>Periods after which a reward is forgotten; 0 = never.</summary>
    public double Window { get; init; }

    /// <summary>Linear strategies: weight of the pull towards coefficients of 0, above 0.</summary>
    public double Ridge { get; init; } = 1;

    /// <summary>Successive halving: pulls of each arm in the first rung; later rungs have twice as many as the one before.</summary>
    public int RungPulls { get; init; } = 1;
}
