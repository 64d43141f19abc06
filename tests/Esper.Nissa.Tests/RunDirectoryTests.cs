using Esper.Contracts;

namespace Esper.Nissa.Tests;

public sealed class RunDirectoryTests
{
    [Fact]
    public void A_new_directory_gets_its_checkpoints_folder_and_nothing_else()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = RunDirectory.Create(temporary["a/b"]);

        Assert.Equal(temporary["a/b"], directory.Root);
        Assert.Equal([directory.CheckpointsPath], Directory.GetFileSystemEntries(directory.Root));
        Assert.Equal(
            ["config.yaml", "events.jsonl", "metrics.jsonl", "report.html", "run.json", "summary.json"],
            new[] { directory.ConfigPath, directory.EventsPath, directory.MetricsPath, directory.ReportPath, directory.InfoPath, directory.SummaryPath }
                .Select(p => Path.GetRelativePath(directory.Root, p)));
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("metrics.jsonl")]
    [InlineData("events.jsonl")]
    [InlineData("summary.json")]
    [InlineData("checkpoints/epoch-0001.bin")]
    public void A_directory_with_any_trace_of_a_run_is_refused_with_both_fixes(string trace)
    {
        using TemporaryDirectory temporary = new();
        Directory.CreateDirectory(temporary["checkpoints"]);
        File.WriteAllText(temporary[trace], "{}");

        EsperException error = Assert.Throws<EsperException>(() => RunDirectory.Create(temporary.Path));

        Assert.Contains(trace.Split('/')[0], error.Message, StringComparison.Ordinal);
        Assert.Contains($"--resume {temporary.Path}", error.Message, StringComparison.Ordinal);
        Assert.Contains("--out", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_of_other_files_may_hold_a_run()
    {
        using TemporaryDirectory temporary = new();
        File.WriteAllText(temporary["config.yaml"], "host: resnet8");
        Assert.Equal(temporary.Path, RunDirectory.Create(temporary.Path).Root);
    }

    [Fact]
    public void Resuming_needs_a_run()
    {
        using TemporaryDirectory temporary = new();
        Assert.Contains("run.json is missing", Assert.Throws<EsperException>(() => RunDirectory.Create(temporary.Path, resuming: true)).Message, StringComparison.Ordinal);
        Assert.Contains("There is no directory", Assert.Throws<EsperException>(() => RunDirectory.Open(temporary["none"])).Message, StringComparison.Ordinal);

        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 1 });
        Assert.Equal(directory.Root, RunDirectory.Create(directory.Root, resuming: true).Root);
    }

    [Fact]
    public void A_path_under_a_file_is_an_error_that_names_it()
    {
        using TemporaryDirectory temporary = new();
        File.WriteAllText(temporary["file"], string.Empty);
        string path = temporary["file/run"];
        Assert.Contains(path, Assert.Throws<EsperException>(() => RunDirectory.Create(path)).Message, StringComparison.Ordinal);
    }
}
