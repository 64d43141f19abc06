using System.Text.RegularExpressions;
using System.Xml.Linq;
using Esper.Nissa.Experiments;

namespace Esper.Nissa.Tests;

public sealed partial class ExperimentReportTests
{
    [Fact]
    public void The_page_stands_alone_is_well_formed_and_repeats()
    {
        using SampleExperiment sample = Grown(finished: true);
        string html = Render(sample);
        Assert.Equal(html, Render(sample));
        Assert.DoesNotContain("http", html.Replace("http://www.w3.org/2000/svg", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\ssrc=|\shref=|@import|url\(", html);
        Assert.DoesNotContain(sample.Path, html, StringComparison.Ordinal);
        XElement body = Body(html);
        Assert.All(body.DescendantsAndSelf().Attributes(), a => Assert.DoesNotMatch("NaN|Infinity|∞", a.Value));
        Assert.True(body.Descendants("{http://www.w3.org/2000/svg}path").Count(p => p.Attribute("class")?.Value == "band") >= 4);
    }

    [Fact]
    public void What_is_asked_of_a_report_is_there()
    {
        using SampleExperiment sample = Grown(finished: true);
        string html = Render(sample);
        Assert.Contains("Against training operations", html, StringComparison.Ordinal);
        Assert.Contains("Against wall-clock", html, StringComparison.Ordinal);
        Assert.Contains("A is better than B.", html, StringComparison.Ordinal);
        Assert.Contains("class=\"verdict supported\"", html, StringComparison.Ordinal);
        Assert.Contains("Rule: supported if, for &#39;b&#39;, the lower end", html, StringComparison.Ordinal);
        Assert.Contains("+2.50 pp", html, StringComparison.Ordinal);
        Assert.Contains("stage1/block0/relu", html, StringComparison.Ordinal);
        Assert.Contains("+0.40 pp on average", html, StringComparison.Ordinal);
        Assert.Contains("Some processor, 2 cores", html, StringComparison.Ordinal);
        Assert.Contains("ab12cd34ef56", html, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_is_said()
    {
        using SampleExperiment none = new() { Accuracy = (_, _) => null };
        none.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a", "grown")]);
        none.Claims.Add(SampleExperiment.Claim("a", ["b"]));
        string html = Render(none);
        Body(html);
        Assert.Contains("8 runs are missing", html, StringComparison.Ordinal);
        Assert.Contains("No run has finished", html, StringComparison.Ordinal);
        Assert.Contains("class=\"verdict no_verdict\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_in_a_plan_becomes_markup()
    {
        const string attack = "<script>alert('x')</script>\" onload=\"alert(1)";
        using SampleExperiment sample = new() { Name = attack, Hypothesis = attack };
        sample.Arms.Add(SampleExperiment.Arm("a") with { Description = attack });
        string html = Render(sample);
        Assert.Equal(2, html.Split("<script").Length);
        Assert.DoesNotContain("\" onload=\"", html, StringComparison.Ordinal);
    }

    private static SampleExperiment Grown(bool finished)
    {
        SampleExperiment sample = new()
        {
            Accuracy = (arm, seed) => finished ? 0.5 + (arm == "a" ? seed * 0.01 : 0) : null,
            Flops = arm => arm == "a" ? 1.2e9 : 1e9,
        };
        sample.Arms.AddRange([SampleExperiment.Arm("b"), SampleExperiment.Arm("a", "grown"), SampleExperiment.Arm("c")]);
        sample.Claims.Add(SampleExperiment.Claim("a", ["b"]));
        return sample;
    }

    private static string Render(SampleExperiment sample)
    {
        ExperimentRecord record = sample.Record();
        return ExperimentReport.Render(record, ExperimentAnalysis.Of(record, null));
    }

    private static XElement Body(string html) => XElement.Parse(MainElement().Match(html).Value);

    [GeneratedRegex("<main>.*</main>", RegexOptions.Singleline)]
    private static partial Regex MainElement();
}
