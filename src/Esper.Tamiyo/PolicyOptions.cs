namespace Esper.Tamiyo;

/// <summary>Policy settings.</summary>
public sealed record PolicyOptions
{
    /// <summary><c>none</c>, <c>schedule</c>, <c>random</c> or <c>heuristic</c>.</summary>
    public string Kind { get; init; } = "heuristic";

    /// <summary>First epoch after which growth may start, from 1.</summary>
    public int StartEpoch { get; init; } = 1;

    /// <summary>Share of all epochs after which nothing new germinates, in [0, 1].</summary>
    public double LastFraction { get; init; } = 0.6;

    /// <summary>Most seeds that may be live (Germinated to Holding) at once.</summary>
    public int MaximumLive { get; init; } = 4;

    /// <summary>Most seeds that may germinate at one epoch boundary.</summary>
    public int MaximumGerminations { get; init; } = 2;

    /// <summary><c>schedule</c>: epochs between germinations.</summary>
    public int ScheduleInterval { get; init; } = 1;

    /// <summary><c>random</c>: probability of a germination for each free place at a boundary, in [0, 1].</summary>
    public double RandomProbability { get; init; } = 0.5;

    /// <summary><c>heuristic</c>: growth starts when validation loss falls by less than this share an epoch.</summary>
    public double PlateauImprovement { get; init; } = 0.2;

    /// <summary><c>heuristic</c>: epochs over which the fall is averaged, at least 2.</summary>
    public int PlateauWindow { get; init; } = 2;

    /// <summary>Batches in each half of a gradient probe, for the <c>heuristic</c> policy and for gate G2.</summary>
    public int ProbeBatches { get; init; } = 4;

    /// <summary>
    /// Time that a policy has for an answer, in milliseconds; it then runs in a process of its own, which is killed when it overruns. 0 = no
    /// limit, in this process: by default no wall-clock time decides anything in a run.
    /// </summary>
    public int DecisionLimitMs { get; init; }

    /// <summary>Failed decisions in a row that end the run.</summary>
    public int DecisionFailuresMaximum { get; init; } = 3;
}
