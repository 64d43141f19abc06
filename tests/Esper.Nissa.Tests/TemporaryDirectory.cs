namespace Esper.Nissa.Tests;

/// <summary>A directory of a test's own, removed at its end.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("esper-nissa-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>Records a sample run in a new sub-directory.</summary>
    public RunDirectory Record(SampleRun run, int stepInterval = 0, string name = "run")
    {
        RunDirectory directory = RunDirectory.Create(this[name]);
        using RunRecorder recorder = new(directory, stepInterval);
        run.Play(recorder);
        return directory;
    }
}
