using Esper.Contracts;

namespace Esper.Nissa.Tests;

public sealed class RunRecordTests
{
    [Theory]
    [InlineData("run.json")]
    [InlineData("metrics.jsonl")]
    [InlineData("events.jsonl")]
    public void A_missing_file_is_named(string file)
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        File.Delete(Path.Combine(directory.Root, file));
        Assert.Contains(file, Assert.Throws<EsperException>(() => RunRecord.Load(directory.Root)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("summary.json")]
    [InlineData("metrics.jsonl")]
    [InlineData("events.jsonl")]
    public void A_damaged_file_is_named(string file)
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 9 });
        string path = Path.Combine(directory.Root, file);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"epoch", "\"epok", StringComparison.Ordinal));
        Assert.Contains(path, Assert.Throws<EsperException>(() => RunRecord.Load(directory.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_kind_of_line_is_an_error()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        File.AppendAllText(directory.MetricsPath, "{\"kind\":\"batch\"}\n");
        string message = Assert.Throws<EsperException>(() => RunRecord.Load(directory)).Message;
        Assert.Contains("line 3: 'kind' is batch; known are epoch, step and rollback", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Epochs_out_of_order_are_an_error()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        File.AppendAllText(directory.MetricsPath, File.ReadLines(directory.MetricsPath).First() + "\n");
        Assert.Contains("line 3: epoch 1 is out of order", Assert.Throws<EsperException>(() => RunRecord.Load(directory)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_seed_outside_the_lattice_is_an_error()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2, SeedsPerSite = 4 });
        RunDirectory other = temporary.Record(new SampleRun { Epochs = 2, SeedsPerSite = 5 }, name: "other");
        File.Copy(other.MetricsPath, directory.MetricsPath, overwrite: true);
        Assert.Contains("seed 0.4 is not in the lattice", Assert.Throws<EsperException>(() => RunRecord.Load(directory)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Torn_last_lines_are_warnings()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        File.AppendAllText(directory.MetricsPath, "{\"kind\":");
        File.AppendAllText(directory.EventsPath, "{");
        RunRecord record = RunRecord.Load(directory);
        Assert.Equal(2, record.Epochs.Length);
        Assert.Collection(
            record.Warnings,
            w => Assert.Contains("metrics.jsonl, line 3", w, StringComparison.Ordinal),
            w => Assert.Contains("events.jsonl", w, StringComparison.Ordinal));
    }
}
