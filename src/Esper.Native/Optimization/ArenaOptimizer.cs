using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>
/// One pass over a flat arena of parameters, with a learning rate a segment. Float32 in a fixed order on every instruction set, so
/// that the bits are the same on each.
/// </summary>
public static unsafe class ArenaOptimizer
{
    /// <summary>Takes one step over the segments; what lies outside of them is not touched.</summary>
    /// <param name="context">Threads and instruction set.</param>
    /// <param name="options">Hyperparameters.</param>
    /// <param name="segments">Parts of the arena, in rising order and apart.</param>
    /// <param name="parameters">The arena.</param>
    /// <param name="gradient">As long; the gradient.</param>
    /// <param name="first">As long: momentum, or m of AdamW. Empty for SGD without momentum.</param>
    /// <param name="second">As long: v of AdamW. Empty for SGD.</param>
    /// <exception cref="ArgumentException">A length is not that of the arena, or two of the arrays overlap.</exception>
    /// <exception cref="NativeException">An option or a segment breaks a rule, or a moment is missing; the message names it.</exception>
    public static void Step(
        KernelContext context,
        ArenaOptimizerOptions options,
        ReadOnlySpan<ArenaSegment> segments,
        Span<float> parameters,
        ReadOnlySpan<float> gradient,
        Span<float> first = default,
        Span<float> second = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(options);
        if (gradient.Length != parameters.Length)
        {
            throw new ArgumentException(
                $"gradient has {gradient.Length} elements, the arena has {parameters.Length}.", nameof(gradient));
        }

        Optional(first.Length, parameters.Length, nameof(first));
        Optional(second.Length, parameters.Length, nameof(second));
        Apart(parameters, gradient, nameof(parameters), nameof(gradient));
        Apart(parameters, first, nameof(parameters), nameof(first));
        Apart(parameters, second, nameof(parameters), nameof(second));
        Apart(gradient, first, nameof(gradient), nameof(first));
        Apart(gradient, second, nameof(gradient), nameof(second));
        Apart(first, second, nameof(first), nameof(second));
        EsperOptimizerOptions native = options.ToNative();
        EsperArenaSegment[] parts = ArenaSegment.ToNative(segments);
        bool empty = parameters.IsEmpty;
        fixed (float* p = &Required<float>.Of(parameters), g = &Required<float>.Of(gradient))
        fixed (float* m = &Moment(first, empty), v = &Moment(second, empty))
        fixed (EsperArenaSegment* s = parts)
        {
            Status.Check(EsperApi.OptimizerStep(
                context.Handle, &native, s, parts.Length, parameters.Length, p, g, m, v));
        }
    }

    private static void Optional(int length, int arena, string name)
    {
        if (length != 0 && length != arena)
        {
            throw new ArgumentException($"{name} has {length} elements, the arena has {arena}.", name);
        }
    }

    private static void Apart(ReadOnlySpan<float> left, ReadOnlySpan<float> right, string leftName, string rightName)
    {
        if (left.Overlaps(right))
        {
            throw new ArgumentException($"{rightName} overlaps {leftName}.", rightName);
        }
    }

    // An empty moment of an empty arena is there; an empty one of any other was left out, which NULL says.
    private static ref float Moment(Span<float> moment, bool emptyArena) =>
        ref moment.IsEmpty && !emptyArena
            ? ref System.Runtime.CompilerServices.Unsafe.NullRef<float>()
            : ref Required<float>.Of(moment);
}
