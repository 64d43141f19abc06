using Esper.Contracts;
using Esper.Contracts.Runs;
using Esper.Data;
using Esper.Nissa;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Experiments;

/// <summary>How to conduct an experiment.</summary>
/// <param name="Output">Directory of the experiment.</param>
/// <param name="Data">Where the data are; null where none are needed.</param>
/// <param name="Jobs">Runs at a time.</param>
/// <param name="Cores">Cores that they share.</param>
/// <param name="Program">Version of the program, for the plan.</param>
public sealed record ExperimentOptions(string Output, string? Data, int Jobs, int Cores, string Program);

/// <summary>
/// Conducts an experiment: writes the plan, trains what has not been trained, keeps the raw data. Started again in the same directory, it
/// goes on where it was: finished runs stay, interrupted ones continue from their checkpoints.
/// </summary>
public sealed class ExperimentRunner(IRunLauncher launcher, TimeProvider clock, IExperimentObserver observer)
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs to the end, to the budget, or until cancelled.</summary>
    /// <returns>True if every run has finished or failed; false where some were not begun or not brought to an end.</returns>
    /// <exception cref="EsperException">
    /// The directory holds another experiment or is in use, or data and hosts do not go together. Runs that fail are no exception: the
    /// others go on without them.
    /// </exception>
    public async Task<bool> RunAsync(ExperimentDefinition definition, ExperimentOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(options);
        Dataset dataset = Datasets.Load(definition.Dataset, options.Data, Glyphs.DefaultSeed, cancellation);
        ExperimentDirectory directory = ExperimentDirectory.Create(options.Output);
        using RunLock held = RunLock.Take(directory.LockPath, "an experiment");
        ExperimentPlan plan = PlanOf(definition, dataset, directory, options);
        Sitting sitting = new(definition, plan, directory, new RunResolver(definition, directory, dataset), options);
        sitting.FindFinished();
        observer.OnPlanned(plan, directory.Root, sitting.Finished.Count);
        await ConductAsync(sitting, cancellation).ConfigureAwait(false);
        return sitting.Waiting.Count == 0 && !cancellation.IsCancellationRequested;
    }

    private ExperimentPlan PlanOf(
        ExperimentDefinition definition, Dataset dataset, ExperimentDirectory directory, ExperimentOptions options)
    {
        ExperimentPlan plan = ExperimentPlanner.Plan(definition, dataset, clock.GetUtcNow(), options.Program);
        if (!ExperimentDirectory.Is(directory.Root))
        {
            File.WriteAllBytes(directory.FilePath, [.. definition.Text]);
            ExperimentDirectory.Write(directory.PlanPath, plan);
            return plan;
        }

        ExperimentPlan standing = ExperimentRecord.ReadPlan(directory);
        if (standing.FileSha256 != plan.FileSha256 || !standing.Runs.Select(run => run.Id).SequenceEqual(plan.Runs.Select(run => run.Id)))
        {
            throw new EsperException(
                $"'{directory.Root}' holds the experiment '{standing.Name}' of another file or program (SHA-256 {standing.FileSha256[..12]}, "
                + $"this file's is {plan.FileSha256[..12]}). A plan does not change once it stands: give another directory with --output.");
        }

        return standing;
    }

    private async Task ConductAsync(Sitting sitting, CancellationToken cancellation)
    {
        List<Task<(PlannedRun Run, string? Failure)>> running = [];
        while (true)
        {
            while (running.Count < sitting.Options.Jobs && !cancellation.IsCancellationRequested && Next(sitting) is { } run)
            {
                running.Add(TrainAsync(sitting, run, cancellation));
            }

            if (running.Count == 0)
            {
                return;
            }

            Task<(PlannedRun Run, string? Failure)> ended = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(ended);
            (PlannedRun finished, string? failure) = await ended.ConfigureAwait(false);
            Close(sitting, finished, failure);
        }
    }

    /// <summary>The next run that may begin; null while there is none.</summary>
    private PlannedRun? Next(Sitting sitting)
    {
        if (sitting.BudgetSpent() is { } spent)
        {
            if (!sitting.BudgetTold)
            {
                observer.OnNotice($"The budget is spent: {spent}. {sitting.Waiting.Count} runs are not begun.");
                sitting.BudgetTold = true;
            }

            return null;
        }

        PlannedRun? next = sitting.Waiting.FirstOrDefault(run => run.DependsOn.All(sitting.Finished.ContainsKey));
        if (next is not null)
        {
            sitting.Waiting.Remove(next);
        }

        return next;
    }

    private async Task<(PlannedRun Run, string? Failure)> TrainAsync(Sitting sitting, PlannedRun run, CancellationToken cancellation)
    {
        try
        {
            ExperimentDirectory directory = sitting.Directory;
            (RunConfig config, ResolvedRun resolved) = sitting.Resolver.Resolve(run);
            await File.WriteAllTextAsync(directory.ConfigPath(run.Id), ConfigFile.Write(config), CancellationToken.None).ConfigureAwait(false);
            ExperimentDirectory.Write(directory.ResolvedPath(run.Id), resolved);
            File.Delete(directory.FailurePath(run.Id));
            bool resume = await PrepareAsync(directory.RunPath(run.Id), cancellation).ConfigureAwait(false);
            observer.OnRunStarted(run, resolved, resume);
            int threads = Math.Max(1, sitting.Options.Cores / sitting.Options.Jobs);
            RunLaunch launch = new(
                run.Id, directory.ConfigPath(run.Id), directory.RunPath(run.Id), resume, threads, sitting.Options.Data);
            string? failure = await launcher.RunAsync(launch, cancellation).ConfigureAwait(false);
            bool left = failure is null && !cancellation.IsCancellationRequested && ExperimentRecord.FinishedSummary(directory, run.Id) is null;
            return (run, left ? "ended without a result" : failure);
        }
        catch (OperationCanceledException)
        {
            return (run, null);
        }
        catch (Exception error) when (error is EsperException or IOException)
        {
            return (run, error.Message);
        }
    }

    /// <summary>
    /// Makes a run's directory ready: whether it holds a beginning. A process that an interrupted sitting left behind ends by itself when
    /// it notices; until then it holds the lock.
    /// </summary>
    private async Task<bool> PrepareAsync(string path, CancellationToken cancellation)
    {
        if (!Directory.Exists(path))
        {
            return false;
        }

        long began = clock.GetTimestamp();
        string lockPath = Path.Combine(path, "run.lock");
        RunLock? free;
        while ((free = RunLock.TryTake(lockPath)) is null)
        {
            if (clock.GetElapsedTime(began) > LockPatience)
            {
                throw new EsperException($"'{path}' is in use by another process. End it first.");
            }

            await Task.Delay(LockInterval, clock, cancellation).ConfigureAwait(false);
        }

        free.Dispose();
        if (File.Exists(Path.Combine(path, "run.json")))
        {
            return true;
        }

        // Ended before it had written what it is; nothing in it can be continued.
        Directory.Delete(path, recursive: true);
        return false;
    }

    private void Close(Sitting sitting, PlannedRun run, string? failure)
    {
        RunSummary? summary = failure is null ? ExperimentRecord.FinishedSummary(sitting.Directory, run.Id) : null;
        if (summary is not null)
        {
            sitting.Finished.Add(run.Id, summary);
            sitting.Tidy();
        }
        else if (failure is not null)
        {
            File.WriteAllText(sitting.Directory.FailurePath(run.Id), failure + "\n");
            sitting.DropDependents(run.Id);
        }
        else
        {
            sitting.Waiting.Add(run);
        }

        observer.OnRunEnded(run, summary, failure, sitting.Finished.Count);
    }
}
