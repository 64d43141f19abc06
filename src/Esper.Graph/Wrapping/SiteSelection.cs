using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph;

/// <summary>Applies a list of selectors to a graph.</summary>
internal sealed class SiteSelection(GraphStructure structure)
{
    private const int MostNames = 24;

    /// <summary>Names of the selected values: the union of what the selectors take, without what those with a <c>!</c> leave out.</summary>
    /// <exception cref="GraphException">A selector is wrong or selects nothing, or nothing is left.</exception>
    public HashSet<string> Of(IReadOnlyList<string> texts)
    {
        SiteSelector[] selectors = Parse(texts);
        HashSet<string> excluded = Excluded(selectors);
        HashSet<string> selected = new(StringComparer.Ordinal);
        foreach (SiteSelector selector in selectors.Where(s => !s.Excludes))
        {
            selected.UnionWith(Apply(selector, excluded));
        }

        selected.ExceptWith(excluded);
        return selected.Count > 0
            ? selected
            : throw new GraphException($"sites '{string.Join(", ", texts)}': what the selectors take is all left out again");
    }

    /// <summary>The one selector of a list that goes by measurement; null if there is none.</summary>
    public static SiteSelector? Measured(IReadOnlyList<string> texts)
    {
        SiteSelector[] measured = [.. texts.Select(SiteSelector.Parse).Where(s => s.Kind == SiteSelectorKind.AutoVariance)];
        return measured.Length <= 1
            ? measured.FirstOrDefault()
            : throw new GraphException($"sites '{string.Join(", ", texts)}': one auto-variance:K is enough");
    }

    /// <summary>Values that the list leaves out.</summary>
    public HashSet<string> Excluded(IReadOnlyList<SiteSelector> selectors) =>
        [.. selectors.Where(s => s.Excludes).SelectMany(s => Apply(s, new HashSet<string>()))];

    /// <summary>What one selector takes, whatever its <c>!</c> says.</summary>
    public ImmutableArray<string> Apply(SiteSelector selector, IReadOnlySet<string> excluded) => selector.Kind switch
    {
        SiteSelectorKind.Name => ByName(selector),
        SiteSelectorKind.Operator => ByOperator(selector),
        SiteSelectorKind.Joins => Joins(selector),
        SiteSelectorKind.Stages => Stages(selector),
        SiteSelectorKind.Auto => Auto(selector, excluded),
        _ => throw new GraphException(
            $"site selector '{selector.Text}' is measured on data, which is done where a run begins; here, name the sites or use auto:K"),
    };

    /// <summary>What was looked at, for errors that say that nothing or too little was found.</summary>
    public string LookedAt()
    {
        ImmutableArray<string> candidates = structure.Eligibility.Candidates;
        int made = structure.Graph.Nodes.Sum(n => n.Outputs.Count(o => o.Length > 0));
        IEnumerable<string> left = candidates
            .Select(structure.ObjectionToChoice)
            .OfType<string>()
            .CountBy(reason => reason)
            .Select(reason => $"{reason.Value} {reason.Key}");
        string[] parts = [$"{made - candidates.Length} that can be no site", .. left];
        return $"Looked at {made} values: {string.Join(", ", parts)}; residual joins among the rest: "
            + $"{structure.Main.Count(s => s.Join)}, block outputs: {structure.Main.Count(s => !s.Join)}.";
    }

    private static SiteSelector[] Parse(IReadOnlyList<string> texts)
    {
        SiteSelector[] selectors = [.. texts.Select(SiteSelector.Parse)];
        return selectors.Any(s => !s.Excludes)
            ? selectors
            : throw new GraphException(
                selectors.Length == 0
                    ? "no site patterns: name at least one value, such as 'block*.out', or use auto:4"
                    : $"sites '{string.Join(", ", texts)}' only leave out: name what to take too, such as '*'");
    }

    private ImmutableArray<string> ByName(SiteSelector selector)
    {
        ImmutableArray<string> matches = [.. structure.Eligibility.Candidates.Where(v => Glob.Matches(selector.Names, v))];
        return matches.IsEmpty ? throw new GraphException(NothingMatches(selector)) : matches;
    }

    private ImmutableArray<string> ByOperator(SiteSelector selector)
    {
        ImmutableArray<string> matches =
        [
            .. structure.Eligibility.Candidates.Where(v =>
                Glob.Matches(selector.Operators, structure.Graph.ProducerOf(v)!.Op) && Glob.Matches(selector.Names, v)),
        ];
        if (!matches.IsEmpty)
        {
            return matches;
        }

        string? unfit = structure.Graph.Nodes
            .Where(n => Glob.Matches(selector.Operators, n.Op))
            .SelectMany(n => n.Outputs)
            .FirstOrDefault(v => v.Length > 0 && Glob.Matches(selector.Names, v));
        string[] operators =
            [.. structure.Eligibility.Candidates.Select(v => structure.Graph.ProducerOf(v)!.Op).Distinct().Order(StringComparer.Ordinal)];
        throw new GraphException(unfit is null
            ? $"site selector '{selector.Text}' matches no value. {Suggestion.Phrase(selector.Operators, operators)}"
            : $"site selector '{selector.Text}': value '{unfit}' cannot be a site: {structure.Eligibility.Objection(unfit)}");
    }

    private ImmutableArray<string> Joins(SiteSelector selector)
    {
        ImmutableArray<string> joins =
        [
            .. structure.Eligibility.Candidates.Where(v => structure.Joins.ContainsKey(v) && Glob.Matches(selector.Names, v)),
        ];
        if (!joins.IsEmpty)
        {
            return joins;
        }

        int sums = structure.Graph.Nodes.Count(n => n is { Domain: "", Op: "Add" or "Sum" });
        string? unfit = structure.Joins.Keys.FirstOrDefault(v => structure.Eligibility.Objection(v) is not null);
        throw new GraphException(
            $"site selector '{selector.Text}' finds no residual join: of {sums} sums, {structure.Joins.Count} join a branch with weights to "
            + "what it branched off from"
            + (unfit is null ? "." : $"; '{unfit}' cannot be a site: {structure.Eligibility.Objection(unfit)}."));
    }

    private ImmutableArray<string> Stages(SiteSelector selector)
    {
        ImmutableArray<string> ends =
            [.. MainSites.StageEnds(structure.Main).Select(s => s.Name).Where(v => Glob.Matches(selector.Names, v))];
        return ends.IsEmpty ? throw new GraphException($"site selector '{selector.Text}' finds no stage. {LookedAt()}") : ends;
    }

    private ImmutableArray<string> Auto(SiteSelector selector, IReadOnlySet<string> excluded)
    {
        ImmutableArray<string> chosen = new SiteChoice(structure, excluded).Spread(selector.Count ?? SiteSelector.AutoCount);
        return chosen.IsEmpty || chosen.Length < selector.Count
            ? throw new GraphException(TooFew(selector, chosen.Length))
            : chosen;
    }

    internal string TooFew(SiteSelector selector, int found) =>
        $"site selector '{selector.Text}': the graph has {(found == 0 ? "no site" : $"only {found}")} to choose with something trainable "
        + $"before, behind and between. {LookedAt()}";

    private string NothingMatches(SiteSelector selector)
    {
        string? unfit = structure.Graph.Nodes
            .SelectMany(n => n.Outputs)
            .FirstOrDefault(v => v.Length > 0 && Glob.Matches(selector.Names, v));
        if (unfit is not null)
        {
            return $"site pattern '{selector.Text}': value '{unfit}' cannot be a site: {structure.Eligibility.Objection(unfit)}";
        }

        GraphInput? input = structure.Graph.Inputs.FirstOrDefault(i => Glob.Matches(selector.Names, i.Name));
        if (input is not null)
        {
            return $"site pattern '{selector.Text}': value '{input.Name}' is an input of the graph; a site is a value that a node makes";
        }

        ImmutableArray<string> candidates = structure.Eligibility.Candidates;
        string? nearest = Suggestion.Nearest(selector.Names, candidates) ?? SiteSelector.Nearest(selector.Text);
        string known = candidates.IsEmpty ? "none"
            : string.Join(", ", candidates.Take(MostNames))
                + (candidates.Length > MostNames ? $" and {candidates.Length - MostNames} more" : "");
        return $"site pattern '{selector.Text}' matches no value. {(nearest is null ? "" : $"Did you mean '{nearest}'? ")}"
            + $"Known: {known}. Selectors: {SiteSelector.Forms}.";
    }
}
