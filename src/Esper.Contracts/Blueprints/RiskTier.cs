namespace Esper.Contracts.Blueprints;

/// <summary>How much a blueprint can do to its host if it learns something wrong, see <see cref="Blueprint.RiskTier"/>.</summary>
public enum RiskTier
{
    /// <summary>A linear map of every position by itself: what it adds grows with its input and no faster.</summary>
    Low = 0,

    /// <summary>Non-linear, or reads other positions while what it adds stays below the host's own value.</summary>
    Medium = 1,

    /// <summary>Mixes positions without a bound, or is non-linear with a blend that learns beside alpha.</summary>
    High = 2,
}
