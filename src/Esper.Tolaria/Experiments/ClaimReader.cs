using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Nissa.Experiments;
using YamlDotNet.RepresentationModel;

namespace Esper.Tolaria.Experiments;

/// <summary>Reads the claims of an experiment's file.</summary>
internal static class ClaimReader
{
    private static readonly ImmutableArray<string> Metrics = [ExperimentAnalysis.AccuracyFinal, ExperimentAnalysis.AnytimeAuc];
    private static readonly ImmutableArray<string> Intervals = ["t", "bootstrap"];

    public static IEnumerable<PlannedClaim> Read(YamlSection root, string origin, ImmutableArray<string> arms)
    {
        HashSet<string> names = [];
        foreach (YamlMappingNode node in root.Mappings("claims"))
        {
            YamlSection section = new(
                node, origin, "a claim", "name", "text", "kind", "a", "b", "metric", "margin_points", "at_most", "interval");
            PlannedClaim claim = ReadOne(section, origin, arms);
            if (!names.Add(claim.Name))
            {
                throw section.ErrorAt("name", $"There are two claims '{claim.Name}'.");
            }

            yield return claim;
        }
    }

    private static PlannedClaim ReadOne(YamlSection section, string origin, ImmutableArray<string> arms)
    {
        string kind = section.OneOf("kind", ClaimJudge.Kinds);
        string a = Arm(section, "a", section.Text("a"), arms);
        ImmutableArray<string> b = [.. section.Texts("b").Select(name => Arm(section, "b", name, arms))];
        if (b.IsEmpty || b.Contains(a))
        {
            throw section.ErrorAt("b", $"b: name the arms that '{a}' is held against.");
        }

        double margin = section.Number("margin_points", 0, 100) ?? 0;
        if (kind == "superiority" == section.Has("margin_points"))
        {
            throw section.ErrorAt("margin_points", kind == "superiority"
                ? "margin_points: superiority has no margin; take non-inferiority."
                : $"A claim of kind '{kind}' needs 'margin_points': the percentage points that A may be worse.");
        }

        YamlSection limits = new(section.Mapping("at_most"), origin, "'at_most'", "train_flops", "parameters");
        CostLimit atMost = new(limits.Number("train_flops", 1e-9, 1e9), limits.Number("parameters", 1e-9, 1e9));
        if (kind == "within" && atMost is { TrainFlops: null, Parameters: null })
        {
            throw section.ErrorAt("at_most", "A claim of kind 'within' needs 'at_most' with train_flops, parameters or both: multiples of B's.");
        }

        string metric = section.OneOf("metric", Metrics, ExperimentAnalysis.AccuracyFinal);
        string interval = section.OneOf("interval", Intervals, "t");
        return new PlannedClaim(
            ExperimentFile.RequireName(section, "name"), section.Text("text", string.Empty), kind, a, b, metric, margin, atMost, interval,
            ClaimJudge.RuleOf(a, b, metric, margin, atMost, interval));
    }

    private static string Arm(YamlSection section, string key, string name, ImmutableArray<string> arms) => arms.Contains(name)
        ? name
        : throw section.ErrorAt(key, $"{key}: there is no arm '{name}'. {Suggestion.Phrase(name, arms)}");
}
