using Esper.Contracts;

namespace Esper.Nissa;

/// <summary>Where a run keeps its files. Immutable; the directory exists once this object does.</summary>
public sealed class RunDirectory
{
    private RunDirectory(string root) => Root = root;

    /// <summary>Full path of the directory.</summary>
    public string Root { get; }

    /// <summary>The configuration that the run was started with, as text.</summary>
    public string ConfigPath => Path.Combine(Root, "config.yaml");

    /// <summary>What was known when the run started, see <see cref="Esper.Contracts.Runs.RunInfo"/>.</summary>
    public string InfoPath => Path.Combine(Root, "run.json");

    /// <summary>One JSON object a line: epochs and, where asked for, steps.</summary>
    public string MetricsPath => Path.Combine(Root, "metrics.jsonl");

    /// <summary>One lifecycle event a line.</summary>
    public string EventsPath => Path.Combine(Root, "events.jsonl");

    /// <summary>One decision a line, see <see cref="DecisionRecord"/>.</summary>
    public string DecisionsPath => Path.Combine(Root, "decisions.jsonl");

    /// <summary>One decision that was not made a line; absent where every one was.</summary>
    public string FailuresPath => Path.Combine(Root, "failures.jsonl");

    /// <summary>How the run ended; absent while it runs and after a crash.</summary>
    public string SummaryPath => Path.Combine(Root, "summary.json");

    /// <summary>Directory of checkpoints.</summary>
    public string CheckpointsPath => Path.Combine(Root, "checkpoints");

    /// <summary>Held by the process that trains here.</summary>
    public string LockPath => Path.Combine(Root, "run.lock");

    /// <summary>The rendered report.</summary>
    public string ReportPath => Path.Combine(Root, "report.html");

    /// <summary>Prepares a directory for a new run, or opens the one of a run that is to be resumed.</summary>
    /// <param name="path">The directory, absolute or relative to the working directory.</param>
    /// <param name="resuming">True to continue the run that the directory holds.</param>
    /// <exception cref="EsperException">
    /// A new run is asked for where one already lies, a resume where none lies, or the directory cannot be created.
    /// </exception>
    public static RunDirectory Create(string path, bool resuming = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (resuming)
        {
            return Open(path);
        }

        RunDirectory directory = new(Path.GetFullPath(path));
        if (directory.FindTraceOfRun() is { } trace)
        {
            throw new EsperException(
                $"Directory '{path}' already holds a run ({trace}). Continue it with --resume {path}, or give another "
                + "directory with --out.");
        }

        try
        {
            Directory.CreateDirectory(directory.CheckpointsPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException(
                $"Directory '{path}' cannot be created: {e.Message} Give another directory with --out.", e);
        }

        return directory;
    }

    /// <summary>Opens the directory of an existing run.</summary>
    /// <exception cref="EsperException">There is no such directory, or it holds no run.</exception>
    public static RunDirectory Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        RunDirectory directory = new(Path.GetFullPath(path));
        if (!Directory.Exists(directory.Root))
        {
            throw new EsperException($"There is no directory '{path}'. Give the directory of a run, the one named by --out.");
        }

        if (!File.Exists(directory.InfoPath))
        {
            throw new EsperException(
                $"Directory '{path}' holds no run: {Path.GetFileName(directory.InfoPath)} is missing. "
                + "Give the directory of a run, the one named by --out.");
        }

        return directory;
    }

    /// <summary>Keeps the run to this process.</summary>
    /// <exception cref="EsperException">Another process trains here.</exception>
    public RunLock Lock() => RunLock.Take(LockPath, "a run");

    /// <summary>The full path of the directory.</summary>
    public override string ToString() => Root;

    private string? FindTraceOfRun()
    {
        string[] files = [InfoPath, MetricsPath, EventsPath, DecisionsPath, FailuresPath, SummaryPath];
        if (Array.Find(files, File.Exists) is { } file)
        {
            return Path.GetFileName(file);
        }

        bool hasCheckpoints = Directory.Exists(CheckpointsPath)
            && Directory.EnumerateFileSystemEntries(CheckpointsPath).Any();
        return hasCheckpoints ? Path.GetFileName(CheckpointsPath) + "/" : null;
    }
}
