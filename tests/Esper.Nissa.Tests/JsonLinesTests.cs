using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Esper.Contracts;

namespace Esper.Nissa.Tests;

public sealed class JsonLinesTests
{
    private const string Sound = "{\"index\":1,\"text\":\"a\"}\n{\"index\":2,\"text\":\"b\"}\n";

    [Fact]
    public void What_is_written_is_read_back_with_its_kind_first()
    {
        using TemporaryDirectory temporary = new();
        using (JsonLinesWriter writer = new(temporary["x.jsonl"]))
        {
            writer.Write(new Line(1, "line\nfeed \"quoted\" ü"), "epoch");
            writer.Write(new Line(2, "plain"));
        }

        Assert.StartsWith("{\"kind\":\"epoch\",\"index\":1,", File.ReadAllText(temporary["x.jsonl"]), StringComparison.Ordinal);
        (List<Line> lines, string? warning) = Read(temporary["x.jsonl"]);
        Assert.Equal([new Line(1, "line\nfeed \"quoted\" ü"), new Line(2, "plain")], lines);
        Assert.Null(warning);
    }

    [Fact]
    public void Every_line_is_in_the_file_before_the_next_call()
    {
        using TemporaryDirectory temporary = new();
        using JsonLinesWriter writer = new(temporary["x.jsonl"]);
        for (int i = 1; i <= 3; i++)
        {
            writer.Write(new Line(i, "x"));
            Assert.Equal(i, Read(temporary["x.jsonl"]).Lines.Count);
        }
    }

    [Theory]
    [InlineData("{\"index\":3,\"te")]
    [InlineData("{\"index\":3,\"text\":\"c\"}")]
    [InlineData("{\"index\":3,\"te\n")]
    [InlineData("\0\0\0\0")]
    [InlineData("\0\0\0\0\n")]
    [InlineData("\n")]
    [InlineData("3\n")]
    [InlineData("{} {}\n")]
    public void A_torn_last_line_is_left_out_with_a_warning_and_cut_off_before_an_append(string torn)
    {
        using TemporaryDirectory temporary = new();
        string path = temporary["x.jsonl"];
        File.WriteAllText(path, Sound + torn);

        (List<Line> lines, string? warning) = Read(path);
        Assert.Equal([1, 2], lines.Select(l => l.Index));
        Assert.Contains($"{path}, line 3", warning, StringComparison.Ordinal);

        using (JsonLinesWriter writer = new(path))
        {
            Assert.Equal(Encoding.UTF8.GetByteCount(torn), writer.RemovedBytes);
            writer.Write(new Line(4, "d"));
        }

        Assert.Equal(Sound + "{\"index\":4,\"text\":\"d\"}\n", File.ReadAllText(path));
    }

    [Fact]
    public void A_file_torn_at_any_byte_keeps_its_whole_lines()
    {
        using TemporaryDirectory temporary = new();
        string path = temporary["x.jsonl"];
        byte[] sound = Encoding.UTF8.GetBytes(Sound);
        for (int length = 0; length <= sound.Length; length++)
        {
            File.WriteAllBytes(path, sound[..length]);
            int whole = sound.Take(length).Count(b => b == '\n');
            Assert.Equal(whole, Read(path).Lines.Count);
            new JsonLinesWriter(path).Dispose();
            Assert.Equal(string.Concat(Sound.Split('\n').Take(whole).Select(l => l + "\n")), File.ReadAllText(path));
        }
    }

    [Fact]
    public void A_torn_line_longer_than_a_block_is_cut_off_whole()
    {
        using TemporaryDirectory temporary = new();
        string path = temporary["x.jsonl"];
        File.WriteAllText(path, Sound + "{\"index\":3,\"text\":\"" + new string('x', 10_000));
        new JsonLinesWriter(path).Dispose();
        Assert.Equal(Sound, File.ReadAllText(path));
    }

    [Fact]
    public void A_bad_line_in_the_middle_is_an_error_with_file_and_line()
    {
        using TemporaryDirectory temporary = new();
        string path = temporary["x.jsonl"];
        File.WriteAllText(path, "{\"index\":1,\"text\":\"a\"}\n{\"index\":2,\n{\"index\":3,\"text\":\"c\"}\n");
        Assert.Contains($"{path}, line 2", Assert.Throws<EsperException>(() => Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_field_is_an_error_with_file_and_line()
    {
        using TemporaryDirectory temporary = new();
        string path = temporary["x.jsonl"];
        File.WriteAllText(path, "{\"index\":1,\"text\":\"a\"}\n{\"index\":2}\n{\"index\":3,\"text\":\"c\"}\n");
        string message = Assert.Throws<EsperException>(() => Read(path)).Message;
        Assert.Contains($"{path}, line 2", message, StringComparison.Ordinal);
        Assert.Contains("text", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_an_error_that_names_it()
    {
        using TemporaryDirectory temporary = new();
        Assert.Contains("none.jsonl", Assert.Throws<EsperException>(() => Read(temporary["none.jsonl"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_number_that_is_none_is_refused_with_its_field_and_nothing_is_written(double value)
    {
        using TemporaryDirectory temporary = new();
        string path = temporary["x.jsonl"];
        using JsonLinesWriter writer = new(path);
        writer.Write(new Nested("NaN", [new Measure(1, null), new Measure(2, 0.5)]));
        EsperException error = Assert.Throws<EsperException>(
            () => writer.Write(new Nested("NaN", [new Measure(1, null), new Measure(2, value)])));
        Assert.Contains("x.jsonl: field 'measures[1].gradient_ratio' is", error.Message, StringComparison.Ordinal);
        Assert.Contains(value.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
        Assert.Single(File.ReadAllLines(path));
    }

    [Fact]
    public void Only_objects_make_lines()
    {
        using TemporaryDirectory temporary = new();
        using JsonLinesWriter writer = new(temporary["x.jsonl"]);
        Assert.Throws<ArgumentException>(() => writer.Write(3));
        Assert.Equal(0, new FileInfo(temporary["x.jsonl"]).Length);
    }

    private static (List<Line> Lines, string? Warning) Read(string path)
    {
        using JsonLinesReader reader = new(path);
        List<Line> lines = [];
        while (reader.TryRead(out JsonElement? line))
        {
            lines.Add(reader.Convert<Line>(line.Value));
        }

        return (lines, reader.Warning);
    }

    private sealed record Line(int Index, string Text);

    private sealed record Measure(int Index, double? GradientRatio);

    private sealed record Nested(string Name, ImmutableArray<Measure> Measures);
}
