namespace Esper.Tolaria.Training;

/// <summary>How long a run is: so many steps, or so many training operations.</summary>
/// <param name="Budget">Training operations of the whole run; null where its steps are given.</param>
/// <param name="HostStepFlops">Training operations of a step of the bare host.</param>
internal readonly record struct RunLength(double? Budget, double HostStepFlops)
{
    /// <summary>The most steps that there can be: growth only makes a step dearer.</summary>
    /// <param name="stepsPerEpoch">Steps in an epoch; a run has one step at least.</param>
    /// <param name="otherwise">Steps of a run without a budget.</param>
    public long MostSteps(int stepsPerEpoch, long otherwise) => Budget is { } budget
        ? Math.Clamp((long)Math.Ceiling(budget / HostStepFlops), 1, int.MaxValue * (long)stepsPerEpoch)
        : otherwise;

    /// <summary>Whether the operations are spent; never, where steps are given.</summary>
    public bool IsSpent(double trainFlops) => trainFlops >= Budget;

    /// <summary>
    /// The step of a schedule over <paramref name="mostSteps"/> steps that a run has come to: its own step, or that of the share of the
    /// operations that is spent.
    /// </summary>
    public long ScheduleStep(long step, double trainFlops, long mostSteps) =>
        Budget is { } budget ? (long)(Math.Min(1, trainFlops / budget) * mostSteps) : step;

    /// <summary>Epochs that the run will have had in the end, if steps cost what they cost now.</summary>
    /// <param name="epoch">Epochs done.</param>
    /// <param name="trainFlops">Operations spent.</param>
    /// <param name="epochFlops">Operations of an epoch now.</param>
    /// <param name="otherwise">Epochs of a run without a budget.</param>
    public int TotalEpochs(int epoch, double trainFlops, double epochFlops, int otherwise) => Budget is { } budget
        ? epoch + (int)Math.Ceiling(Math.Max(0, budget - trainFlops) / epochFlops)
        : otherwise;
}
