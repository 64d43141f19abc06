namespace Esper.Graph.Onnx;

/// <summary>Normalisations and Dropout, whose training form has outputs that a host keeps to itself.</summary>
internal static class NormalizationLowering
{
    public static void Batch(OnnxNode node, ImportContext context)
    {
        OnnxNode one = Lowering.OneOutput(node, context);
        Lowering.Same(one, context, Lowering.Attributes(one));
    }

    public static void Dropout(OnnxNode node, ImportContext context)
    {
        OnnxNode one = Lowering.OneOutput(node, context);
        ImportedValue x = context.Required(one, 0);
        if (!context.Options.Live)
        {
            context.Bind(one.Outputs[0], x);
            return;
        }

        // Whether it masks is up to the session: in training mode it does, whatever the file was exported for.
        double ratio = context.Known(one, 1, "ratio")?.Numbers[0].Value ?? 0.5;
        KnownTensor content = new(ElementType.Float32, [], [new SymbolicNumber((float)ratio)]);
        context.Emit(one, "Dropout", [x, context.Fixed(one.Outputs[0] + ".ratio", content)], NodeAttributes.None);
    }

    public static void Group(OnnxNode node, ImportContext context)
    {
        const long PerChannel = 21;
        ImportedValue x = context.Required(node, 0), scale = context.Required(node, 1), bias = context.Required(node, 2);
        if (context.Opset < PerChannel && x.Type.Shape.Rank > 1 && x.Type.Shape[1].Size != scale.Type.Shape.ElementsPerExample)
        {
            // Up to version 20 scale and bias had one number a group.
            scale = Repeated(node, context, scale, x.Type.Shape[1].Size);
            bias = Repeated(node, context, bias, x.Type.Shape[1].Size);
        }

        context.Emit(node, "GroupNormalization", [x, scale, bias], Lowering.Attributes(node));
    }

    private static ImportedValue Repeated(OnnxNode node, ImportContext context, ImportedValue perGroup, long channels)
    {
        long groups = perGroup.Type.Shape.ElementsPerExample;
        if (groups == 0 || channels % groups != 0)
        {
            throw new ImportFailure($"{channels} channels do not divide into {groups} groups");
        }

        ImportedValue column = context.Intermediate(node, "Reshape", [perGroup, context.Vector("groups", groups, 1)], NodeAttributes.None);
        ImportedValue wide = context.Intermediate(node, "Expand", [column, context.Vector("groups", groups, channels / groups)], NodeAttributes.None);
        return context.Intermediate(node, "Reshape", [wide, context.Vector("channels", channels)], NodeAttributes.None);
    }
}
