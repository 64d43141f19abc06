using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Operators whose shape inputs may hold the batch size.</summary>
internal static class ShapeLowering
{
    public static void Reshape(OnnxNode node, ImportContext context)
    {
        ImportedValue x = context.Required(node, 0);
        KnownTensor target = context.Known(node, 1, "shape") ?? throw new ImportFailure("its shape is left out");
        bool zeroCopies = node.Attributes.FirstOrDefault(a => a.Name == "allowzero")?.Int is null or 0;
        if (target.Extents.Length != 1)
        {
            throw new ImportFailure($"its shape has {target.Extents.Length} axes, a list is expected");
        }

        // What is known of it all is folded with it.
        if (target.IsFixed && x.Known is null)
        {
            context.Emit(node, "Reshape", [x, context.Required(node, 1)], Lowering.Attributes(node));
            return;
        }

        ImmutableArray<long> numbers = Encoded(x.Type.Shape, target, zeroCopies);
        context.Emit(node, "Reshape", [x, context.Vector(node.Outputs[0] + ".shape", numbers)], NodeAttributes.None);
    }

    // The target with the one extent that grows with the batch left open.
    private static ImmutableArray<long> Encoded(TensorShape x, KnownTensor target, bool zeroCopies)
    {
        Dimension total = Shapes.Product(x.Dimensions.AsSpan()) ?? throw new ImportFailure($"the shape {x} holds the batch size twice");
        Dimension?[] extents = new Dimension?[target.Numbers.Length];
        for (int i = 0; i < extents.Length; i++)
        {
            SymbolicNumber number = target.Numbers[i];
            extents[i] = number is { Value: -1, IsDynamic: false } ? null
                : number.Value == 0 && zeroCopies && i < x.Rank ? x[i]
                : number.ToDimension() ?? throw new ImportFailure($"its shape has the entry {number.Value}, which is no extent");
        }

        Dimension known = Shapes.Product([.. extents.Select(extent => extent ?? 1)])
            ?? throw new ImportFailure("its shape holds the batch size twice");
        int open = Array.FindIndex(extents, extent => extent is null);
        if (open >= 0 && known.Size > 0 && total.Size % known.Size == 0 && (total.IsDynamic || !known.IsDynamic))
        {
            extents[open] = new Dimension(total.Size / known.Size, total.IsDynamic && !known.IsDynamic);
        }

        return [.. extents.Select(extent => extent is { } known ? known.Value : -1)];
    }

    public static void Expand(OnnxNode node, ImportContext context)
    {
        ImportedValue x = context.Required(node, 0);
        KnownTensor target = context.Known(node, 1, "shape") ?? throw new ImportFailure("its shape is left out");

        // A target of ones and of what is there already changes nothing.
        int offset = x.Type.Shape.Rank - target.Numbers.Length;
        bool same = target.Extents.Length == 1 && offset >= 0 && target.Numbers.Select((number, i) => (number, i)).All(
            pair => pair.number is { Value: 1, IsDynamic: false } || pair.number.ToDimension() == x.Type.Shape[offset + pair.i]);
        if (same)
        {
            context.Bind(node.Outputs[0], x);
            return;
        }

        context.Emit(node, "Expand", [x, context.Required(node, 1)], NodeAttributes.None);
    }

    public static void Squeeze(OnnxNode node, ImportContext context)
    {
        ImportedValue x = context.Required(node, 0);
        if (context.Optional(node, 1) is { } axes)
        {
            context.Emit(node, "Squeeze", [x, axes], NodeAttributes.None);
            return;
        }

        // Without axes a batch of one would lose its axis too.
        IEnumerable<long> ones = Enumerable.Range(0, x.Type.Shape.Rank).Where(i => x.Type.Shape[i] == 1).Select(i => (long)i);
        context.Emit(node, "Squeeze", [x, context.Vector(node.Outputs[0] + ".axes", ones)], NodeAttributes.None);
    }

    public static void Slice(OnnxNode node, ImportContext context)
    {
        ImportedValue x = context.Required(node, 0);
        ImportedValue?[] inputs = [.. Enumerable.Range(0, node.Inputs.Length).Select(i => context.Optional(node, i))];

        // Bounds that hold the batch size can only mean the whole axis; an end beyond every extent says so.
        KnownTensor? ends = inputs.Length > 2 ? inputs[2]?.Known : null;
        if (ends is { IsFixed: false } && context.Integers(node, 1, "starts") is { } starts)
        {
            ImmutableArray<long> axes = context.Integers(node, 3, "axes") ?? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
            List<long> numbers = [];
            for (int i = 0; i < ends.Numbers.Length; i++)
            {
                long axis = i < axes.Length ? axes[i] : throw new ImportFailure("starts, ends and axes differ in length");
                axis = axis < 0 ? axis + x.Type.Shape.Rank : axis;
                SymbolicNumber end = ends.Numbers[i];
                bool whole = axis >= 0 && axis < x.Type.Shape.Rank && end.ToDimension() == x.Type.Shape[(int)axis];
                numbers.Add(!end.IsDynamic ? end.Whole
                    : whole ? long.MaxValue
                    : throw new ImportFailure($"its end {i} is a part of the batch; a host slices the whole batch only"));
            }

            inputs[2] = context.Vector(node.Outputs[0] + ".ends", numbers);
        }

        context.Emit(node, "Slice", inputs, NodeAttributes.None);
    }
}
