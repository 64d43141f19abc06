using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Control;

namespace Esper.Nissa.Tests;

public sealed class DecisionLogTests
{
    [Fact]
    public void A_decision_is_read_back_as_it_was_told()
    {
        using TemporaryDirectory temporary = new();
        SampleRun run = new() { Epochs = 4 };
        Collector told = new();
        run.Play(told);
        List<DecisionRecord> read = Read(temporary.Record(run).DecisionsPath);
        Assert.Equal(4, read.Count);
        for (int i = 0; i < read.Count; i++)
        {
            DecisionReport report = told.Decisions[i];
            Assert.Equal(report.Policy, read[i].Decision.Policy);
            Assert.Equal(Json(report.State), Json(read[i].Decision.State));
            Assert.Equal(Json(report.Answers), Json(read[i].Decision.Answers));
            Assert.Equal(Json(LoggedDecision.Describe(report.Commands)), Json(read[i].Decision.Commands));
        }

        JsonElement command = read[0].Decision.Commands[0];
        Assert.Equal("germinate", command.GetProperty("kind").GetString());
        Assert.Equal("lowrank-8+gated", command.GetProperty("blueprint").GetString());
        Assert.Equal("cull", read[0].Decision.Commands[1].GetProperty("kind").GetString());
    }

    [Fact]
    public void Each_line_is_chained_to_the_one_before()
    {
        using TemporaryDirectory temporary = new();
        string last = string.Empty;
        foreach (DecisionRecord record in Read(temporary.Record(new SampleRun { Epochs = 5 }).DecisionsPath))
        {
            Assert.Equal(64, record.Digest.Length);
            Assert.Equal(DecisionRecord.DigestOf(last, record.Text), record.Digest);
            Assert.NotEqual(DecisionRecord.DigestOf(last, record.Text.Replace("no use", "no us", StringComparison.Ordinal)), record.Digest);
            last = record.Digest;
        }
    }

    [Fact]
    public void A_decision_on_a_number_that_is_none_is_refused_by_name()
    {
        using TemporaryDirectory temporary = new();
        using RunRecorder recorder = new(RunDirectory.Create(temporary["run"]));
        Collector told = new();
        new SampleRun { Epochs = 1 }.Play(told);
        DecisionReport report = told.Decisions[0];
        EsperException error = Assert.Throws<EsperException>(() => recorder.OnDecision(report with
        {
            State = report.State with { Allowance = report.State.Allowance with { FlopsLeft = double.NaN } },
        }));
        Assert.Contains("decisions.jsonl: field 'state.allowance.flops_left' is NaN", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_is_no_decision_is_an_error_with_its_place()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        File.AppendAllText(directory.DecisionsPath, "{\"digest\":\"x\"}\n");
        EsperException error = Assert.Throws<EsperException>(() => Read(directory.DecisionsPath));
        Assert.Contains("decisions.jsonl, line 3", error.Message, StringComparison.Ordinal);
    }

    private static List<DecisionRecord> Read(string path)
    {
        using JsonLinesReader reader = new(path);
        List<DecisionRecord> records = [];
        while (reader.TryRead(out JsonElement? line))
        {
            records.Add(DecisionRecord.Of(line.Value, reader));
        }

        return records;
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, EsperJson.Compact);
}
