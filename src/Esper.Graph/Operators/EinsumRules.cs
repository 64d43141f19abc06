using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Shapes and costs of Einsum.</summary>
internal static class EinsumRules
{
    // Axes behind an ellipsis are labelled by their distance from its end, below all letters.
    private const int FirstBroadcast = -1;

    /// <summary>Operands whose axes the equation names with letters -> the axes that it names behind <c>-></c>.</summary>
    public static ImmutableArray<TensorType> Einsum(RuleContext c)
    {
        ElementType type = c.Float(0).ElementType;
        for (int i = 1; i < c.InputCount; i++)
        {
            if (c.Float(i).ElementType != type)
            {
                throw c.Fail($"{c.Input(0)} and {c.Input(i)} differ in element type; put a Cast before one of them");
            }
        }

        Equation equation = Parse(c);
        return RuleContext.One(type, TensorShape.Create([.. equation.Output.Select(label => equation.Extents[label])]));
    }

    /// <summary>
    /// Operands are contracted one after the other: 2 FLOPs for each combination of the labels that a step meets where it sums
    /// over one, 1 where it only multiplies. A single operand costs 1 an element where it is summed over.
    /// </summary>
    public static long Cost(RuleContext c, ImmutableArray<TensorType> outputs)
    {
        Equation equation = Parse(c);
        long Combinations(IEnumerable<int> labels) =>
            labels.Aggregate(1L, (product, label) => checked(product * equation.Extents[label].Size));
        HashSet<int> held = [.. equation.Operands[0]];
        if (equation.Operands.Length == 1)
        {
            return held.IsSubsetOf(equation.Output) ? 0 : Combinations(held);
        }

        long flops = 0;
        for (int i = 1; i < equation.Operands.Length; i++)
        {
            held.UnionWith(equation.Operands[i]);
            HashSet<int> needed = [.. equation.Output, .. equation.Operands.Skip(i + 1).SelectMany(labels => labels)];
            long met = Combinations(held);
            flops = checked(flops + (held.IsSubsetOf(needed) ? met : 2 * met));
            held.IntersectWith(needed);
        }

        return flops;
    }

    private static Equation Parse(RuleContext c)
    {
        string text = c.Attributes.String("equation", "").Replace(" ", "", StringComparison.Ordinal);
        string[] sides = text.Split("->");
        string[] terms = sides[0].Split(',');
        if (sides.Length > 2 || terms.Length != c.InputCount)
        {
            throw c.Fail($"equation '{text}' must name the axes of its {c.InputCount} inputs, and those of the output behind one '->'");
        }

        Dictionary<int, Dimension> extents = [];
        ImmutableArray<ImmutableArray<int>> operands =
            [.. terms.Select((term, i) => Bind(c, Labels(c, text, term, c.Shape(i).Rank), c.Shape(i), extents))];
        ImmutableArray<int> output = sides.Length == 2
            ? Labels(c, text, sides[1], null, BroadcastRank(extents))
            : Implicit(operands, extents);
        if (output.Distinct().Count() != output.Length || output.Any(label => !extents.ContainsKey(label)))
        {
            throw c.Fail($"equation '{text}' names an output axis twice, or one that no input has");
        }

        return new Equation(operands, output, extents);
    }

    // The letters of one operand, or of the output where rank is null; an ellipsis becomes the axes that letters leave.
    private static ImmutableArray<int> Labels(RuleContext c, string equation, string term, int? rank, int broadcast = 0)
    {
        int dots = term.IndexOf("...", StringComparison.Ordinal);
        string before = dots < 0 ? term : term[..dots];
        string behind = dots < 0 ? "" : term[(dots + 3)..];
        int letters = before.Length + behind.Length;
        if (!(before + behind).All(char.IsAsciiLetter))
        {
            throw c.Fail($"equation '{equation}' may hold letters, ',', '->' and one '...' for each term");
        }

        int hidden = dots < 0 ? 0 : rank is { } axes ? axes - letters : broadcast;
        if (rank is { } known && (hidden < 0 || letters + hidden != known))
        {
            throw c.Fail($"equation '{equation}' names {letters} axes with '{term}', its input has {known}");
        }

        return [.. before.Select(l => (int)l), .. Enumerable.Range(0, hidden).Select(i => FirstBroadcast - (hidden - 1 - i)), .. behind.Select(l => (int)l)];
    }

    private static ImmutableArray<int> Bind(
        RuleContext c, ImmutableArray<int> labels, TensorShape shape, Dictionary<int, Dimension> extents)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            Dimension extent = shape[i];
            if (!extents.TryGetValue(labels[i], out Dimension known) || known == 1)
            {
                extents[labels[i]] = extent;
            }
            else if (known != extent && extent != 1)
            {
                string name = labels[i] > 0 ? $"'{(char)labels[i]}'" : "an axis of '...'";
                throw c.Fail($"{name} has the extents {known} and {extent}");
            }
        }

        return labels;
    }

    private static int BroadcastRank(Dictionary<int, Dimension> extents) => extents.Keys.Count(label => label <= FirstBroadcast);

    // Without an output: the axes of '...', then the letters that occur once, in alphabetical order.
    private static ImmutableArray<int> Implicit(
        ImmutableArray<ImmutableArray<int>> operands, Dictionary<int, Dimension> extents) =>
    [
        .. extents.Keys.Where(label => label <= FirstBroadcast).Order(),
        .. operands.SelectMany(labels => labels).Where(label => label > 0).GroupBy(label => label)
            .Where(group => group.Count() == 1).Select(group => group.Key).Order(),
    ];

    private sealed record Equation(
        ImmutableArray<ImmutableArray<int>> Operands, ImmutableArray<int> Output, Dictionary<int, Dimension> Extents);
}
