using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>Constants and conversions.</summary>
internal static class ConstantLowering
{
    public static void Constant(OnnxNode node, ImportContext context)
    {
        if (node.Attributes.Length != 1 || node.Outputs.Length != 1)
        {
            throw new ImportFailure($"it has {node.Attributes.Length} attributes and {node.Outputs.Length} outputs; one of each is expected");
        }

        OnnxAttribute attribute = node.Attributes[0];
        OnnxTensor tensor = (attribute.Name, attribute.Kind) switch
        {
            ("value", OnnxAttributeKind.Tensor) when attribute.Tensor is { } given => given,
            ("value_float", OnnxAttributeKind.Float) => Tensor(OnnxElementType.Float, [], floats: [attribute.Float]),
            ("value_floats", OnnxAttributeKind.Floats) => Tensor(OnnxElementType.Float, [attribute.Floats.Length], floats: attribute.Floats),
            ("value_int", OnnxAttributeKind.Int) => Tensor(OnnxElementType.Int64, [], integers: [attribute.Int]),
            ("value_ints", OnnxAttributeKind.Ints) => Tensor(OnnxElementType.Int64, [attribute.Ints.Length], integers: attribute.Ints),
            _ => throw new ImportFailure($"its attribute '{attribute.Name}' of kind {attribute.Kind} is not supported; value, value_float(s) and value_int(s) are"),
        };
        context.AddTensor(node.Outputs[0], tensor with { Name = node.Outputs[0] }, literal: true);
    }

    public static void ConstantOfShape(OnnxNode node, ImportContext context)
    {
        (double value, ElementType type) = (0, ElementType.Float32);
        if (node.Attributes.FirstOrDefault(attribute => attribute.Name == "value")?.Tensor is { } tensor)
        {
            type = ElementTypes.Of(tensor.ElementType) ?? throw new ImportFailure($"{tensor.Place} has elements that no host computes");
            if (tensor.Count != 1)
            {
                throw new ImportFailure($"its value has {tensor.Count} elements, one is expected");
            }

            Constant content = context.Content(new ImportedValue("value", new TensorType(type, [1])) { Tensor = tensor });
            value = KnownTensor.Of(content)?.Numbers[0].Value ?? throw new ImportFailure("its value is a whole number beyond 2^53");
        }

        context.Emit(node, node.Op, [Shape(node, context)], NodeAttributes.Of(("value", value), ("dtype", (long)type)));
    }

    public static void Cast(OnnxNode node, ImportContext context)
    {
        long to = node.Attributes.FirstOrDefault(attribute => attribute.Name == "to")?.Int ?? throw new ImportFailure("its attribute 'to' is missing");
        CastTo(node, context, ElementTypes.Of(to) ?? throw new ImportFailure($"no host computes with {OnnxElementType.Name(to is > 0 and < 64 ? (int)to : 0)}"));
    }

    public static void CastLike(OnnxNode node, ImportContext context) => CastTo(node, context, context.Required(node, 1).Type.ElementType);

    private static void CastTo(OnnxNode node, ImportContext context, ElementType type)
    {
        ImportedValue x = context.Required(node, 0);
        if (x.Type.ElementType == type)
        {
            context.Bind(node.Outputs[0], x);
            return;
        }

        context.Emit(node, "Cast", [x], NodeAttributes.Of(("to", (long)type)));
    }

    private static ImportedValue Shape(OnnxNode node, ImportContext context) => context.Required(node, 0);

    private static OnnxTensor Tensor(
        int type, ImmutableArray<long> extents, ImmutableArray<float> floats = default, ImmutableArray<long> integers = default) => new()
    {
        ElementType = type,
        Extents = extents,
        Floats = floats.IsDefault ? [] : floats,
        Integers = integers.IsDefault ? [] : integers,
    };
}
