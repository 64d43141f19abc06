namespace Esper.Tolaria.Experiments;

/// <summary>A run to be trained.</summary>
/// <param name="Id">Its name in the plan.</param>
/// <param name="ConfigPath">Its configuration.</param>
/// <param name="Directory">Its directory.</param>
/// <param name="Resume">Whether the directory holds its beginning already.</param>
/// <param name="Threads">Threads that it may compute with.</param>
/// <param name="Data">Where the data are; null where none are needed.</param>
public sealed record RunLaunch(string Id, string ConfigPath, string Directory, bool Resume, int Threads, string? Data);

/// <summary>Trains the runs of an experiment. The seam between conducting and training.</summary>
public interface IRunLauncher
{
    /// <summary>Trains a run to its end, or until cancelled; then it can be resumed.</summary>
    /// <returns>Why it failed; null if it has finished or was cancelled. Its directory tells which.</returns>
    Task<string?> RunAsync(RunLaunch launch, CancellationToken cancellation);
}

/// <summary>Watches an experiment. Called from several threads, one at a time.</summary>
public interface IExperimentObserver
{
    /// <summary>The plan stands; so many of its runs have finished in earlier sittings.</summary>
    void OnPlanned(Nissa.Experiments.ExperimentPlan plan, string directory, int finished);

    /// <summary>A run begins or continues.</summary>
    void OnRunStarted(Nissa.Experiments.PlannedRun run, Nissa.Experiments.ResolvedRun resolved, bool resumed);

    /// <summary>A run has ended; <paramref name="summary"/> is null unless it has finished.</summary>
    void OnRunEnded(Nissa.Experiments.PlannedRun run, Esper.Contracts.Runs.RunSummary? summary, string? failure, int finished);

    /// <summary>Something that the user should know.</summary>
    void OnNotice(string message);
}
