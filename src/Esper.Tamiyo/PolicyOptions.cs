namespace Esper.Tamiyo;

/// <summary>Policy settings.</summary>
public sealed record PolicyOptions
{
    /// <summary>
    /// <c>none</c>, <c>schedule</c>, <c>random</c>, <c>heuristic</c>, <c>epsilon-greedy</c>, <c>ucb1</c>, <c>thompson</c>, <c>linucb</c>,
    /// <c>linear-thompson</c> or <c>halving</c>.
    /// </summary>
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

    /// <summary><c>heuristic</c>: epochs over which the fall is averaged, at least 2; 0 = grow from the start, plateau or not.</summary>
    public int PlateauWindow { get; init; } = 2;

    /// <summary>Batches in each half of a gradient probe, for the policies that look at it and for gate G2.</summary>
    public int ProbeBatches { get; init; } = 4;

    /// <summary>Bandits: gain in validation loss (nats) that counts as a reward of 1.</summary>
    public double RewardScale { get; init; } = 0.02;

    /// <summary>
    /// <c>epsilon-greedy</c>, <c>ucb1</c>, <c>thompson</c>: gain (nats) expected of an arm that was never tried.
    /// </summary>
    public double PriorGain { get; init; } = 0.02;

    /// <summary>Grafts that <see cref="PriorGain"/> counts for, above 0.</summary>
    public double PriorWeight { get; init; } = 1;

    /// <summary>Bandits: factor on the weight of what is known, an epoch, in (0, 1]; gains shrink as a host converges.</summary>
    public double Discount { get; init; } = 0.98;

    /// <summary>Bandits: epochs after which a reward is forgotten; 0 = never.</summary>
    public double Window { get; init; }

    /// <summary><c>epsilon-greedy</c>: share of the choices drawn blindly, in [0, 1].</summary>
    public double Epsilon { get; init; } = 0.1;

    /// <summary>
    /// <c>ucb1</c>, <c>linucb</c>, <c>linear-thompson</c>: width of the confidence bound or draw, in units of <see cref="RewardScale"/>.
    /// </summary>
    public double Exploration { get; init; } = 0.5;

    /// <summary><c>linucb</c>, <c>linear-thompson</c>: weight of the pull towards coefficients of 0.</summary>
    public double Ridge { get; init; } = 1;

    /// <summary>Bandits: gain (nats) that an arm must pay for as many parameters as the host has.</summary>
    public double RentParameters { get; init; } = 0.02;

    /// <summary>Bandits: gain (nats) that an arm must pay for as many operations as the host has.</summary>
    public double RentFlops { get; init; }

    /// <summary>
    /// <c>heuristic</c> and bandits: what a place promises is divided by (share of the host's parameters)^this, in [0, 1]; 0 = ranked by
    /// promise, 1 = by promise per cost. Bandits subtract the rent first.
    /// </summary>
    public double CostExponent { get; init; }

    /// <summary>The same for the share of the host's operations, in [0, 1].</summary>
    public double FlopsExponent { get; init; }

    /// <summary>
    /// Whether the state shows step duration and free memory. Decisions that rest on them cannot be repeated; no policy here reads them.
    /// </summary>
    public bool ObserveMachine { get; init; }

    /// <summary>Bandits: most modules of one blueprint, live and fossilized together; 0 = no cap.</summary>
    public int BlueprintCap { get; init; }

    /// <summary>Bandits: epochs after a cull in which its arm (site and blueprint) is not tried again.</summary>
    public int CooldownEpochs { get; init; } = 3;

    /// <summary>Bandits: most live grafts of one arm (site and blueprint), whose rewards are still to come.</summary>
    public int MaximumPending { get; init; } = 1;

    /// <summary><c>halving</c>: seeds germinated at once, as far as <see cref="MaximumLive"/> allows.</summary>
    public int Cohort { get; init; } = 4;

    /// <summary><c>halving</c>: seeds of a cohort that are kept in the end.</summary>
    public int CohortKeep { get; init; } = 1;

    /// <summary>
    /// Time that a policy has for an answer, in milliseconds; it then runs in a process of its own, which is killed when it overruns. 0 = no
    /// limit, in this process: by default no wall-clock time decides anything in a run.
    /// </summary>
    public int DecisionLimitMs { get; init; }

    /// <summary>Failed decisions in a row that end the run.</summary>
    public int DecisionFailuresMaximum { get; init; } = 3;
}
