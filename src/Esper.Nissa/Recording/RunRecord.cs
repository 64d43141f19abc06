using System.Collections.Immutable;
using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Runs;

namespace Esper.Nissa;

/// <summary>Everything that a run's directory tells of it.</summary>
/// <param name="Info">What was known at the start, or at the last resume.</param>
/// <param name="Epochs">Epochs in order.</param>
/// <param name="Steps">Recorded steps in order; empty unless step recording was on.</param>
/// <param name="Events">Lifecycle events in order.</param>
/// <param name="Failures">Decisions that were not made, in order.</param>
/// <param name="Summary">How it ended; null while it runs and after a crash.</param>
/// <param name="Configuration">Text of the configuration; null if the directory has none.</param>
/// <param name="Warnings">What was left out in reading, in sentences; empty for a sound record.</param>
public sealed record RunRecord(
    RunInfo Info,
    ImmutableArray<EpochReport> Epochs,
    ImmutableArray<StepRecord> Steps,
    ImmutableArray<LifecycleEvent> Events,
    ImmutableArray<DecisionFailure> Failures,
    RunSummary? Summary,
    string? Configuration,
    ImmutableArray<string> Warnings)
{
    /// <summary>Rollbacks in order. What they made void is not among epochs, steps and events.</summary>
    public ImmutableArray<RollbackReport> Rollbacks { get; init; } = [];

    /// <summary>Reads a run's directory.</summary>
    /// <exception cref="EsperException">
    /// The directory holds no run, or a file is missing or damaged; the message names the file and the line.
    /// </exception>
    public static RunRecord Load(string directory) => Load(RunDirectory.Open(directory));

    /// <inheritdoc cref="Load(string)"/>
    public static RunRecord Load(RunDirectory directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        ImmutableArray<string>.Builder warnings = ImmutableArray.CreateBuilder<string>();
        RunInfo info = ReadDocument<RunInfo>(directory.InfoPath);
        (ImmutableArray<EpochReport> epochs, ImmutableArray<StepRecord> steps, ImmutableArray<RollbackReport> rollbacks) =
            ReadMetrics(directory.MetricsPath, info, warnings);
        ImmutableArray<LifecycleEvent> events = ReadEvents(directory.EventsPath, info, warnings);
        ImmutableArray<DecisionFailure> failures = ReadFailures(directory.FailuresPath, warnings);
        RunSummary? summary = File.Exists(directory.SummaryPath) ? ReadDocument<RunSummary>(directory.SummaryPath) : null;
        string? configuration = File.Exists(directory.ConfigPath) ? File.ReadAllText(directory.ConfigPath) : null;
        return new RunRecord(info, epochs, steps, events, failures, summary, configuration, warnings.ToImmutable()) { Rollbacks = rollbacks };
    }

    private static T ReadDocument<T>(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), EsperJson.Indented)
                ?? throw new EsperException($"{path} is damaged: it holds null. Restore the file.");
        }
        catch (JsonException e)
        {
            throw new EsperException($"{path} is damaged: {e.Message} Restore the file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static (ImmutableArray<EpochReport> Epochs, ImmutableArray<StepRecord> Steps, ImmutableArray<RollbackReport> Rollbacks)
        ReadMetrics(string path, RunInfo info, ImmutableArray<string>.Builder warnings)
    {
        ImmutableArray<RollbackReport>.Builder rollbacks = ImmutableArray.CreateBuilder<RollbackReport>();
        ImmutableArray<EpochReport>.Builder epochs = ImmutableArray.CreateBuilder<EpochReport>();
        ImmutableArray<StepRecord>.Builder steps = ImmutableArray.CreateBuilder<StepRecord>();
        using JsonLinesReader reader = new(path);
        while (reader.TryRead(out JsonElement? line))
        {
            string kind = MetricKind.Of(line.Value, reader);
            if (kind == MetricKind.Step)
            {
                steps.Add(reader.Convert<StepRecord>(line.Value));
                continue;
            }

            if (kind == MetricKind.Rollback)
            {
                RollbackReport rollback = reader.Convert<RollbackReport>(line.Value);
                epochs.RemoveAll(epoch => rollback.Voids(epoch.Epoch, epoch.Step));
                steps.RemoveAll(step => rollback.Voids(0, step.Step));
                rollbacks.Add(rollback);
                continue;
            }

            EpochReport report = reader.Convert<EpochReport>(line.Value);
            if (report.Epoch <= (epochs.Count == 0 ? 0 : epochs[^1].Epoch))
            {
                throw new EsperException(
                    $"{path}, line {reader.LineNumber}: epoch {report.Epoch} is out of order. Restore the file.");
            }

            foreach (SeedReport seed in report.Seeds)
            {
                RequireKnown(seed.Seed, info, reader);
            }

            epochs.Add(report);
        }

        AddWarning(reader, warnings);
        return (epochs.ToImmutable(), steps.ToImmutable(), rollbacks.ToImmutable());
    }

    private static ImmutableArray<LifecycleEvent> ReadEvents(
        string path, RunInfo info, ImmutableArray<string>.Builder warnings)
    {
        ImmutableArray<LifecycleEvent>.Builder events = ImmutableArray.CreateBuilder<LifecycleEvent>();
        using JsonLinesReader reader = new(path);
        while (reader.TryRead(out JsonElement? line))
        {
            if (MetricKind.IsRollback(line.Value))
            {
                RollbackReport rollback = reader.Convert<RollbackReport>(line.Value);
                events.RemoveAll(change => rollback.Voids(change.Epoch, change.Step));
                continue;
            }

            LifecycleEvent change = reader.Convert<LifecycleEvent>(line.Value);
            RequireKnown(change.Seed, info, reader);
            events.Add(change);
        }

        AddWarning(reader, warnings);
        return events.ToImmutable();
    }

    private static ImmutableArray<DecisionFailure> ReadFailures(string path, ImmutableArray<string>.Builder warnings)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        ImmutableArray<DecisionFailure>.Builder failures = ImmutableArray.CreateBuilder<DecisionFailure>();
        using JsonLinesReader reader = new(path);
        while (reader.TryRead(out JsonElement? line))
        {
            failures.Add(reader.Convert<DecisionFailure>(line.Value));
        }

        AddWarning(reader, warnings);
        return failures.ToImmutable();
    }

    private static void RequireKnown(SeedId seed, RunInfo info, JsonLinesReader reader)
    {
        bool known = (uint)seed.Site < (uint)info.Sites.Length
            && (uint)seed.Seed < (uint)info.Sites[seed.Site].SeedChannels.Length;
        if (!known)
        {
            throw new EsperException(
                $"{reader.Path}, line {reader.LineNumber}: seed {seed} is not in the lattice that run.json describes. "
                + "The files are of different runs; restore them.");
        }
    }

    private static void AddWarning(JsonLinesReader reader, ImmutableArray<string>.Builder warnings)
    {
        if (reader.Warning is { } warning)
        {
            warnings.Add(warning);
        }
    }
}
