using System.Collections.Immutable;

namespace Esper.Graph;

/// <summary>Windows over the spatial axes of [N, C, ...]: their attributes and how many there are.</summary>
internal static class WindowRules
{
    /// <summary>Output extents of the spatial axes of <paramref name="x"/> for windows of <paramref name="kernel"/>.</summary>
    public static Dimension[] Spatial(RuleContext c, TensorShape x, ReadOnlySpan<long> kernel)
    {
        int axes = kernel.Length;
        ImmutableArray<long> strides = List(c, "strides", axes, 1, minimum: 1);
        ImmutableArray<long> dilations = List(c, "dilations", axes, 1, minimum: 1);
        ImmutableArray<long> pads = List(c, "pads", 2 * axes, 0, minimum: 0);
        bool ceiling = c.Attributes.Int("ceil_mode", 0) != 0;
        Dimension[] result = new Dimension[axes];
        for (int i = 0; i < axes; i++)
        {
            long extent = Fixed(c, x, i + 2);
            long window = checked((dilations[i] * (kernel[i] - 1)) + 1);
            result[i] = AutoPad(c) switch
            {
                "NOTSET" => Windows(
                    c, x, extent + pads[i] + pads[i + axes], window, (strides[i], ceiling, extent + pads[i])),
                "VALID" => Windows(c, x, extent, window, (strides[i], false, extent)),
                _ => CeilingDivide(extent, strides[i]),
            };
        }

        return result;
    }

    /// <summary>The attribute auto_pad, one of NOTSET, VALID, SAME_UPPER and SAME_LOWER.</summary>
    public static string AutoPad(RuleContext c) => c.Attributes.String("auto_pad", "NOTSET") switch
    {
        "NOTSET" or "VALID" or "SAME_UPPER" or "SAME_LOWER" => c.Attributes.String("auto_pad", "NOTSET"),
        string auto => throw c.Fail($"auto_pad '{auto}' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID"),
    };

    /// <summary>An extent that must not depend on the batch.</summary>
    public static long Fixed(RuleContext c, TensorShape x, int axis) =>
        x[axis].IsDynamic ? throw c.Fail($"the spatial extents of {x} must be fixed") : x[axis].Size;

    /// <summary>A list attribute of a stated length.</summary>
    public static ImmutableArray<long> List(RuleContext c, string name, int length, long fallback, long minimum)
    {
        ImmutableArray<long> values = c.Attributes.Ints(name) ?? [.. Enumerable.Repeat(fallback, length)];
        return values.Length == length && values.All(v => v >= minimum)
            ? values
            : throw c.Fail($"{name} [{string.Join(", ", values)}] must be {length} numbers, {minimum} or larger");
    }

    // Last: the padded extent without the padding behind; a window that would start beyond it in ceil_mode is dropped,
    // as PyTorch and ONNX do.
    private static long Windows(
        RuleContext c, TensorShape x, long padded, long window, (long Stride, bool Ceiling, long Last) step)
    {
        if (padded < window)
        {
            throw c.Fail($"a window of {window} does not fit the padded extent {padded} of input {x}");
        }

        long free = padded - window;
        long count = (step.Ceiling ? CeilingDivide(free, step.Stride) : free / step.Stride) + 1;
        return step.Ceiling && (count - 1) * step.Stride >= step.Last ? count - 1 : count;
    }

    private static long CeilingDivide(long value, long divisor) => (value + divisor - 1) / divisor;
}
