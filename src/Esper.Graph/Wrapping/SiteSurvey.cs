using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>A value that may carry a lattice.</summary>
/// <param name="Value">Its name.</param>
/// <param name="Op">Operator that makes it.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Layout">Where its channels are.</param>
/// <param name="Channels">Number of channels.</param>
/// <param name="Producer">The parameter whose slices make the channels; null if there is none.</param>
/// <param name="FlopsShare">Share of the host's forward FLOPs that the value depends on, 0 to 1.</param>
/// <param name="Selectors">Those of the selectors asked about that take it.</param>
public sealed record SiteCandidate(
    string Value,
    string Op,
    TensorShape Shape,
    SiteLayout Layout,
    int Channels,
    string? Producer,
    double FlopsShare,
    ImmutableArray<string> Selectors);

/// <summary>
/// Where lattices may sit in a host: the candidates, what selectors take of them, and the choice by measurement, which needs numbers
/// that only a run of the network gives.
/// </summary>
public sealed class SiteSurvey
{
    private const int MostDefaults = 8;

    private readonly HostGraph _graph;
    private readonly GraphStructure _structure;

    private SiteSurvey(HostGraph graph)
    {
        _graph = graph;
        _structure = new GraphStructure(graph, ShapeInference.Infer(graph));
    }

    /// <summary>Values that may carry a lattice, in graph order.</summary>
    public ImmutableArray<string> Candidates => _structure.Eligibility.Candidates;

    /// <summary>Looks at a valid graph without lattices.</summary>
    public static SiteSurvey Of(HostGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new SiteSurvey(graph);
    }

    /// <summary>Names of the values that a list of selectors takes, in graph order.</summary>
    /// <exception cref="GraphException">A selector is wrong, selects nothing, or goes by measurement.</exception>
    public ImmutableArray<string> Select(IReadOnlyList<string> selectors)
    {
        HashSet<string> selected = new SiteSelection(_structure).Of(selectors);
        return [.. Candidates.Where(selected.Contains)];
    }

    /// <summary>All candidates, each with those of the selectors that take it; selectors that take nothing mark nothing.</summary>
    /// <param name="selectors">Selectors that may not fit the graph, such as those of a list for all graphs.</param>
    public ImmutableArray<SiteCandidate> Describe(IReadOnlyList<string> selectors)
    {
        ArgumentNullException.ThrowIfNull(selectors);
        GraphCost cost = GraphCost.Of(_graph, _structure.Shapes);
        (long Flops, long Parameters)[] spent = IncomingCosts.Of(_graph, cost.Nodes, Candidates, sinceLast: false);
        (string Selector, HashSet<string> Values)[] taken = [.. selectors.Select(s => (s, Taken(s)))];
        ProducerSearch producers = new(_graph, _structure.Shapes, _structure.Joins);
        return
        [
            .. Candidates.Select((value, i) =>
            {
                TensorShape shape = _structure.Shapes[value].Shape;
                (SiteLayout layout, int axis) = _structure.Channels.Of(value);
                return new SiteCandidate(
                    value,
                    _graph.ProducerOf(value)!.QualifiedOp,
                    shape,
                    layout,
                    checked((int)shape[axis].Size),
                    producers.Find(value, axis)?.Weight,
                    cost.ForwardFlops > 0 ? (double)spent[i].Flops / cost.ForwardFlops : 0,
                    [.. taken.Where(t => t.Values.Contains(value)).Select(t => t.Selector)]);
            }),
        ];
    }

    /// <summary>
    /// A list for a host that names no sites of its own: up to 8 by structure; where there is none, whatever can be one.
    /// </summary>
    public ImmutableArray<string> Defaults()
    {
        int found = new SiteChoice(_structure, new HashSet<string>()).Spread(MostDefaults).Length;
        return found > 0 ? [$"auto:{found}"] : Candidates.IsEmpty ? [] : ["*"];
    }

    /// <summary>What is wrong with the form of a list, whatever the graph; null if nothing is.</summary>
    public static string? Objection(IReadOnlyList<string> selectors)
    {
        try
        {
            SiteSelection.Measured(selectors);
            return null;
        }
        catch (GraphException e)
        {
            return e.Message;
        }
    }

    /// <summary>Whether a list has a selector that goes by measurement.</summary>
    /// <exception cref="GraphException">A selector is wrong, or two of them go by measurement.</exception>
    public static bool IsMeasured(IReadOnlyList<string> selectors) => SiteSelection.Measured(selectors) is not null;

    /// <summary>The values to measure for <c>auto-variance:K</c>, in graph order.</summary>
    /// <param name="selectors">A list with such a selector.</param>
    /// <exception cref="GraphException">The graph has fewer than K of them; the message says what was looked at.</exception>
    public ImmutableArray<string> ToMeasure(IReadOnlyList<string> selectors)
    {
        (SiteSelector measured, SiteSelection selection, HashSet<string> excluded) = Measurement(selectors);
        ImmutableArray<string> values = new SiteChoice(_structure, excluded).Measurable(measured.Count!.Value);
        return values.Length >= measured.Count
            ? values
            : throw new GraphException(selection.TooFew(measured, values.Length));
    }

    /// <summary>
    /// The list with <c>auto-variance:K</c> replaced by the names of the K values of the highest scores, no two of them without
    /// something trainable between.
    /// </summary>
    /// <param name="selectors">A list with such a selector.</param>
    /// <param name="scores">A score for each of the values to measure.</param>
    /// <exception cref="GraphException">Fewer than K are separated by something trainable.</exception>
    public ImmutableArray<string> Choose(IReadOnlyList<string> selectors, IReadOnlyDictionary<string, double> scores)
    {
        (SiteSelector measured, SiteSelection selection, HashSet<string> excluded) = Measurement(selectors);
        ImmutableArray<string> chosen = new SiteChoice(_structure, excluded).Best(scores, measured.Count!.Value);
        return chosen.Length == measured.Count
            ? [.. selectors.SelectMany(s => s == measured.Text ? chosen.Select(name => "name:" + name) : [s])]
            : throw new GraphException(selection.TooFew(measured, chosen.Length));
    }

    private (SiteSelector Measured, SiteSelection Selection, HashSet<string> Excluded) Measurement(IReadOnlyList<string> selectors)
    {
        SiteSelector measured = SiteSelection.Measured(selectors)
            ?? throw new GraphException($"sites '{string.Join(", ", selectors)}' need no measurement");
        SiteSelection selection = new(_structure);
        return (measured, selection, selection.Excluded([.. selectors.Select(SiteSelector.Parse)]));
    }

    private HashSet<string> Taken(string selector)
    {
        try
        {
            return [.. new SiteSelection(_structure).Of([selector])];
        }
        catch (GraphException)
        {
            return [];
        }
    }
}
