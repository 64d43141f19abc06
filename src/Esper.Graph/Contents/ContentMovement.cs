using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Movement of known contents: selecting, joining, reshaping.</summary>
internal static class ContentMovement
{
    public static KnownTensor? Evaluate(Node node, ImmutableArray<KnownTensor?> contents, TensorType output)
    {
        KnownTensor x = contents[0]!;
        return node.Op switch
        {
            "Squeeze" or "Unsqueeze" or "Reshape" or "Flatten" => Reshaped(x, output.Shape),
            "Concat" => Concat(contents, node),
            "Gather" => Gather(x, contents[1]!, node),
            "Slice" => Slice(contents),
            "Expand" => Expand(x, output.Shape),
            "Range" => Range(contents),
            "ConstantOfShape" => Filled(node, output),
            "ReduceProd" => Reduce(x, node, contents, SymbolicNumber.Multiply),
            "ReduceSum" => Reduce(x, node, contents, SymbolicNumber.Add),
            _ => null,
        };
    }

    public static ImmutableArray<KnownTensor?> Split(ImmutableArray<KnownTensor?> contents, Node node, ImmutableArray<TensorType> outputs)
    {
        // Of vectors only: that is how shapes are taken apart.
        if (contents[0] is not { Extents.Length: 1 } x)
        {
            return [.. outputs.Select(_ => (KnownTensor?)null)];
        }

        int next = 0;
        ImmutableArray<KnownTensor?>.Builder parts = ImmutableArray.CreateBuilder<KnownTensor?>(outputs.Length);
        foreach (int length in outputs.Select(output => (int)output.Shape[0].Size))
        {
            parts.Add(x with { Extents = [length], Numbers = x.Numbers.Slice(next, length) });
            next += length;
        }

        return parts.MoveToImmutable();
    }

    private static KnownTensor? Reshaped(KnownTensor x, TensorShape shape) =>
        shape.IsDynamic ? null : x with { Extents = [.. shape.Select(extent => extent.Size)] };

    private static KnownTensor? Concat(ImmutableArray<KnownTensor?> contents, Node node)
    {
        KnownTensor first = contents[0]!;
        return node.Attributes.Int("axis", 0) is 0 or -1 && contents.All(part => part!.Extents.Length == 1)
            ? first with { Extents = [contents.Sum(part => part!.Extents[0])], Numbers = [.. contents.SelectMany(part => part!.Numbers)] }
            : null;
    }

    private static KnownTensor? Gather(KnownTensor x, KnownTensor indices, Node node)
    {
        if (x.Extents.Length != 1 || !indices.IsFixed)
        {
            return null;
        }

        double extent = x.Extents[0];
        ImmutableArray<SymbolicNumber>.Builder numbers = ImmutableArray.CreateBuilder<SymbolicNumber>(indices.Numbers.Length);
        foreach (SymbolicNumber index in indices.Numbers)
        {
            double at = index.Value < 0 ? index.Value + extent : index.Value;
            if (at < 0 || at >= extent)
            {
                throw new GraphException($"{node.Place}: index {index.Value} is outside of the {extent} elements that it selects from");
            }

            numbers.Add(x.Numbers[(int)at]);
        }

        return x with { Extents = indices.Extents, Numbers = numbers.MoveToImmutable() };
    }

    private static KnownTensor? Slice(ImmutableArray<KnownTensor?> contents)
    {
        KnownTensor x = contents[0]!;
        double Bound(int input, double standard) =>
            contents.Length > input && contents[input] is { } bound ? bound.Numbers[0].Value : standard;
        bool readable = x.Extents.Length == 1 && contents.Skip(1).All(part => part is null || (part.Numbers.Length == 1 && part.IsFixed));
        double step = readable ? Bound(4, 1) : 0;
        if (step == 0)
        {
            return null;
        }

        double extent = x.Extents[0];
        double From(double value, double low, double high) => Math.Clamp(value < 0 ? value + extent : value, low, high);
        List<SymbolicNumber> numbers = [];
        double start = step > 0 ? From(Bound(1, 0), 0, extent) : From(Bound(1, 0), 0, extent - 1);
        double end = step > 0 ? From(Bound(2, 0), 0, extent) : From(Bound(2, 0), -1, extent - 1);
        for (double i = start; step > 0 ? i < end : i > end; i += step)
        {
            numbers.Add(x.Numbers[(int)i]);
        }

        return x with { Extents = [numbers.Count], Numbers = [.. numbers] };
    }

    private static KnownTensor? Expand(KnownTensor x, TensorShape shape)
    {
        if (shape.IsDynamic || shape.ElementsPerExample > KnownTensor.LargestCount)
        {
            return null;
        }

        ImmutableArray<long> extents = [.. shape.Select(extent => extent.Size)];
        return x with
        {
            Extents = extents,
            Numbers = [.. Enumerable.Range(0, (int)shape.ElementsPerExample).Select(i => x.Numbers[ContentArithmetic.At(x.Extents, extents, i)])],
        };
    }

    private static KnownTensor? Range(ImmutableArray<KnownTensor?> contents)
    {
        if (contents.Any(part => part is not { IsFixed: true, Numbers.Length: 1 }))
        {
            return null;
        }

        double start = contents[0]!.Numbers[0].Value, limit = contents[1]!.Numbers[0].Value, delta = contents[2]!.Numbers[0].Value;
        double count = delta == 0 ? double.NaN : Math.Max(0, Math.Ceiling((limit - start) / delta));
        return count <= KnownTensor.LargestCount
            ? contents[0]! with
            {
                Extents = [(long)count],
                Numbers = [.. Enumerable.Range(0, (int)count).Select(i => new SymbolicNumber(start + (i * delta)))],
            }
            : null;
    }

    private static KnownTensor? Filled(Node node, TensorType output) =>
        output.Shape.IsDynamic || output.Shape.ElementsPerExample > KnownTensor.LargestCount
            ? null
            : new KnownTensor(
                output.ElementType,
                [.. output.Shape.Select(extent => extent.Size)],
                [.. Enumerable.Repeat(new SymbolicNumber(node.Attributes.Float("value", 0)), (int)output.Shape.ElementsPerExample)]);

    private static KnownTensor? Reduce(
        KnownTensor x, Node node, ImmutableArray<KnownTensor?> contents, Func<SymbolicNumber, SymbolicNumber, SymbolicNumber?> function)
    {
        // Of whole vectors only.
        if (x.Extents.Length != 1 || x.Numbers.IsEmpty || (contents.Length > 1 && contents[1] is { Numbers.Length: not 1 }))
        {
            return null;
        }

        SymbolicNumber? result = x.Numbers[0];
        foreach (SymbolicNumber number in x.Numbers.Skip(1))
        {
            result = result is { } sofar ? function(sofar, number) : null;
        }

        return result is not { } reduced ? null
            : x with { Extents = node.Attributes.Int("keepdims", 1) != 0 ? [1] : [], Numbers = [reduced] };
    }
}
