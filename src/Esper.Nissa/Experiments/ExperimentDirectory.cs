using System.Text;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Nissa.Experiments;

/// <summary>Where an experiment keeps its files. The directory exists once this object does.</summary>
public sealed class ExperimentDirectory
{
    private ExperimentDirectory(string root) => Root = root;

    /// <summary>Full path of the directory.</summary>
    public string Root { get; }

    /// <summary>The plan, written before the first run.</summary>
    public string PlanPath => Path.Combine(Root, "plan.json");

    /// <summary>The experiment's file, byte for byte.</summary>
    public string FilePath => Path.Combine(Root, "experiment.yaml");

    /// <summary>What came out.</summary>
    public string ResultPath => Path.Combine(Root, "result.json");

    /// <summary>The rendered report.</summary>
    public string ReportPath => Path.Combine(Root, "report.html");

    /// <summary>Held by the process that conducts the experiment.</summary>
    public string LockPath => Path.Combine(Root, "experiment.lock");

    /// <summary>Configuration that a run is started with.</summary>
    public string ConfigPath(string run) => Path.Combine(Root, "configs", run + ".yaml");

    /// <summary>How a run came by its configuration, see <see cref="ResolvedRun"/>.</summary>
    public string ResolvedPath(string run) => Path.Combine(Root, "configs", run + ".json");

    /// <summary>Why a run failed, in words; absent if it did not.</summary>
    public string FailurePath(string run) => Path.Combine(Root, "configs", run + ".failure.txt");

    /// <summary>Directory of a run.</summary>
    public string RunPath(string run) => Path.Combine(Root, "runs", run);

    /// <summary>Whether the directory holds an experiment.</summary>
    public static bool Is(string path) => File.Exists(Path.Combine(path, "plan.json"));

    /// <summary>Makes the directory, or opens it where it is there.</summary>
    /// <exception cref="EsperException">The directory cannot be created.</exception>
    public static ExperimentDirectory Create(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ExperimentDirectory directory = new(Path.GetFullPath(path));
        try
        {
            Directory.CreateDirectory(Path.Combine(directory.Root, "configs"));
            Directory.CreateDirectory(Path.Combine(directory.Root, "runs"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"Directory '{path}' cannot be created: {e.Message} Give another one with --output.", e);
        }

        return directory;
    }

    /// <summary>Opens the directory of an experiment.</summary>
    /// <exception cref="EsperException">It holds none.</exception>
    public static ExperimentDirectory Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return Is(path)
            ? new ExperimentDirectory(Path.GetFullPath(path))
            : throw new EsperException($"Directory '{path}' holds no experiment: plan.json is missing.");
    }

    /// <summary>Writes a document as a whole.</summary>
    /// <exception cref="EsperException">A number is NaN or infinite, or the file cannot be written.</exception>
    public static void Write<T>(string path, T document)
        where T : notnull
    {
        byte[] json = NonFinite.Serialize(document, EsperJson.Indented, Path.GetFileName(path));
        try
        {
            AtomicFile.WriteText(path, Encoding.UTF8.GetString(json) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"{path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Reads a document.</summary>
    /// <exception cref="EsperException">It is missing or damaged; names the file.</exception>
    public static T Read<T>(string path)
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
}
