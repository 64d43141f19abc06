using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Nissa.Report;

namespace Esper.Nissa.Tests;

public sealed partial class RunReportTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static TheoryData<string, SampleRun, int> Runs => new()
    {
        { "grown", new SampleRun { Epochs = 24 }, 1 },
        { "no growth", new SampleRun { GrowEvery = 0 }, 0 },
        { "one epoch", new SampleRun { Epochs = 1, GrowEvery = 0 }, 0 },
        { "no epoch", new SampleRun { InterruptedAfter = 0, Finishes = false }, 0 },
        { "no epoch, summary", new SampleRun { InterruptedAfter = 0 }, 0 },
        { "interrupted", new SampleRun { Epochs = 30, InterruptedAfter = 9 }, 0 },
        { "crashed", new SampleRun { Epochs = 30, InterruptedAfter = 9, Finishes = false }, 0 },
        { "no lattice", new SampleRun { Sites = 0 }, 0 },
        { "60 seeds", new SampleRun { Epochs = 40, Sites = 5, SeedsPerSite = 12, GrowEvery = 1 }, 3 },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void Every_drawing_is_well_formed_with_finite_coordinates(string name, SampleRun run, int stepInterval)
    {
        string html = Render(run, stepInterval);
        Assert.NotEmpty(name);
        foreach (XElement svg in Drawings(html))
        {
            Assert.Equal(Svg + "svg", svg.Name);
            Assert.All(svg.DescendantsAndSelf().Attributes(), a =>
                Assert.DoesNotMatch("NaN|Infinity|∞", a.Value));
            Assert.All(svg.Descendants(Svg + "rect").Attributes("width"), a =>
                Assert.True(double.Parse(a.Value, System.Globalization.CultureInfo.InvariantCulture) >= 0));
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void The_page_stands_alone_and_its_elements_are_closed(string name, SampleRun run, int stepInterval)
    {
        string html = Render(run, stepInterval);
        Assert.NotEmpty(name);
        Assert.Equal(html, Render(run, stepInterval));
        Assert.DoesNotContain("http", html.Replace(Svg.NamespaceName, string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\ssrc=|\shref=|@import|url\(", html);
        string body = html[html.IndexOf("<main>", StringComparison.Ordinal)..(html.IndexOf("</main>", StringComparison.Ordinal) + 7)];
        XElement.Parse(body);
    }

    [Fact]
    public void Nothing_in_a_record_becomes_markup()
    {
        const string attack = "<script>alert('x')</script>\"' onload=\"alert(1)&amp;\u0001\n";
        string html = Render(new SampleRun { Prefix = attack }, configuration: attack);
        Assert.Equal(1, Count(html, "<script"));
        Assert.Equal(1, Count(html, "</script"));
        Assert.Contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&#39; onload=&quot;alert(1)&amp;amp;\uFFFD", html, StringComparison.Ordinal);
        Assert.DoesNotContain("\" onload=\"", html, StringComparison.Ordinal);
        Assert.NotEmpty(Drawings(html));
    }

    [Fact]
    public void The_outcome_is_told_as_it_was_measured()
    {
        string html = Render(new SampleRun { Epochs = 24 });
        Assert.Contains("✓ completed", html, StringComparison.Ordinal);
        Assert.Contains(">87.25 %<", html, StringComparison.Ordinal);
        Assert.Contains("78,042 → 78,234 (+0.25 %)", html, StringComparison.Ordinal);
        Assert.Contains("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", html, StringComparison.Ordinal);
        Assert.Contains("+0.40 pp ± 0.18", html, StringComparison.Ordinal);
        Assert.Contains("6 germinated, 4 culled, of 12 seeds", html, StringComparison.Ordinal);
        Assert.Contains("G5 ✗ terminal", html, StringComparison.Ordinal);
        Assert.Contains("gradient ratio: 0.0123 (threshold 0.01)", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Dead_units_have_a_column_and_a_seed_without_a_module_has_none()
    {
        string html = Render(new SampleRun { Epochs = 24 });
        Assert.Contains("<th>Dead %</th>", html, StringComparison.Ordinal);
        XElement table = XElement.Parse(html[html.IndexOf("<tbody>", html.IndexOf("Dead %", StringComparison.Ordinal), StringComparison.Ordinal)..]
            .Split("</tbody>")[0] + "</tbody>");
        (string Stage, string Dead)[] rows =
        [
            .. table.Elements("tr").Where(row => row.Elements("td").Count() == 11)
                .Select(row => row.Elements("td").ToArray())
                .Select(cells => (cells[3].Value, cells[8].Value)),
        ];
        Assert.Contains(rows, row => row.Stage == "Fossilized");
        Assert.Contains(rows, row => row.Stage is "Embargoed" or "Dormant");
        Assert.All(rows, row => Assert.Equal(row.Stage == "Fossilized" ? "12.5" : HumanText.Nothing, row.Dead));
    }

    [Fact]
    public void Records_from_before_dead_units_were_measured_are_read()
    {
        SeedReport old = JsonSerializer.Deserialize<SeedReport>(
            """
            {"seed":{"site":0,"seed":1},"stage":"Training","alpha":0,"age":1,"blueprint":"affine","parameters":4,"activation_ratio":null,
            "gradient_ratio":null,"alignment":null,"gain":null,"gain_interval":null}
            """,
            EsperJson.Compact)!;
        Assert.Null(old.DeadFraction);
    }

    [Fact]
    public void What_was_not_measured_is_said_and_not_made_up()
    {
        string html = Render(new SampleRun { Epochs = 30, InterruptedAfter = 9 });
        Assert.Contains("interrupted after epoch 9 of 30", html, StringComparison.Ordinal);
        Assert.Contains("not read", html, StringComparison.Ordinal);
        Assert.Contains("--resume runs/0007", html, StringComparison.Ordinal);
        Assert.Contains("No seed germinated", Render(new SampleRun { GrowEvery = 0 }), StringComparison.Ordinal);
        Assert.Contains("The host carries no lattice", Render(new SampleRun { Sites = 0 }), StringComparison.Ordinal);
        Assert.Contains("No epoch was completed", Render(new SampleRun { InterruptedAfter = 0, Finishes = false }), StringComparison.Ordinal);
        Assert.Contains("written no summary", Render(new SampleRun { InterruptedAfter = 3, Finishes = false }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_seed_that_never_grew_is_folded_and_counted()
    {
        string html = Render(new SampleRun { Sites = 1, SeedsPerSite = 45, GrowEvery = 10, Epochs = 30 });
        Assert.Contains("40 seeds dormant throughout", html, StringComparison.Ordinal);
        Assert.Contains("40 more seeds stayed dormant.", html, StringComparison.Ordinal);
    }

    [Fact]
    public void The_timeline_has_every_stage_of_a_life_in_order_and_to_the_end()
    {
        RunRecord record = Record(new SampleRun { Epochs = 24 });
        StageHistory culled = StageHistory.Of(record, 24).Single(h => h.Seed == new SeedId(0, 2));
        Assert.Equal(
            [
                SeedStage.Dormant, SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding,
                SeedStage.Culled, SeedStage.Embargoed, SeedStage.Resetting, SeedStage.Dormant,
            ],
            culled.Spans.Select(s => s.Stage));
        Assert.Equal(0, culled.Spans[0].Start);
        Assert.Equal(24, culled.Spans[^1].End);
        Assert.All(culled.Spans.Zip(culled.Spans.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
        Assert.All(culled.Spans, s => Assert.Equal(s.Stage.HasModule() ? "lowrank-8" : null, s.Blueprint));
        Assert.Equal(1, culled.Germinations);
    }

    [Fact]
    public void A_stage_that_no_event_tells_of_is_taken_from_the_epochs()
    {
        RunRecord record = Record(new SampleRun { Epochs = 24 }) with { Events = [] };
        StageHistory history = StageHistory.Of(record, 24).Single(h => h.Seed == new SeedId(0, 0));
        Assert.Equal([SeedStage.Dormant, SeedStage.Germinated, SeedStage.Training, SeedStage.Blending, SeedStage.Holding, SeedStage.Fossilized], history.Spans.Select(s => s.Stage));
    }

    [Fact]
    public void A_summary_of_another_lattice_is_refused()
    {
        RunRecord record = Record(new SampleRun { Epochs = 2 });
        RunRecord foreign = record with { Summary = record.Summary! with { Seeds = [record.Summary.Seeds[0] with { Site = "elsewhere" }] } };
        Assert.Contains("'elsewhere'", Assert.Throws<EsperException>(() => RunReport.Render(foreign)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_is_written_to_its_file()
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(new SampleRun { Epochs = 2 });
        RunRecord record = RunRecord.Load(directory);
        RunReport.WriteTo(record, directory.ReportPath);
        Assert.Equal(RunReport.Render(record), File.ReadAllText(directory.ReportPath));
        string nowhere = temporary["none/report.html"];
        Assert.Contains(nowhere, Assert.Throws<EsperException>(() => RunReport.WriteTo(record, nowhere)).Message, StringComparison.Ordinal);
    }

    private static RunRecord Record(SampleRun run, int stepInterval = 0, string? configuration = null)
    {
        using TemporaryDirectory temporary = new();
        RunDirectory directory = temporary.Record(run, stepInterval);
        if (configuration is not null)
        {
            File.WriteAllText(directory.ConfigPath, configuration);
        }

        return RunRecord.Load(directory);
    }

    private static string Render(SampleRun run, int stepInterval = 0, string? configuration = null) =>
        RunReport.Render(Record(run, stepInterval, configuration));

    private static IEnumerable<XElement> Drawings(string html) =>
        [.. SvgElement().Matches(html).Select(m => XDocument.Parse(m.Value).Root!)];

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex SvgElement();
}
