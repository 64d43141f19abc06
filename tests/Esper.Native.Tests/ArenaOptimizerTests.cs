using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>The optimizer step through the managed API: values by hand, and what is refused.</summary>
public sealed class ArenaOptimizerTests : IDisposable
{
    private readonly KernelContext context = new(threads: 2);

    public void Dispose() => context.Dispose();

    [Fact]
    public void Sgd_moves_each_segment_at_its_own_rate_and_nothing_else()
    {
        float[] parameters = [1, 2, 3, 4, 5], gradient = [1, 1, 2, 2, 4];
        ArenaOptimizer.Step(
            context,
            new ArenaOptimizerOptions { GradientScale = 0.5f },
            [new ArenaSegment(0, 1, 0.5), new ArenaSegment(2, 2, 0.25, Frozen: true), new ArenaSegment(4, 1, 0.25)],
            parameters,
            gradient);
        Assert.Equal([0.75f, 2, 3, 4, 4.5f], parameters);
        Assert.Equal([1, 1, 2, 2, 4], gradient);
    }

    [Fact]
    public void Momentum_and_weight_decay_follow_the_rule()
    {
        float[] parameters = [2], momentum = [0.5f];
        ArenaOptimizerOptions options = new() { Momentum = 0.5f, WeightDecay = 0.25f };
        ArenaOptimizer.Step(context, options, [new ArenaSegment(0, 1, 0.5)], parameters, [1], momentum);

        // d = 1 + 0.25 * 2 = 1.5; m = 0.5 * 0.5 + 1.5 = 1.75; p = 2 - 0.5 * 1.75. Nesterov: p -= 0.5 (d + 0.5 m).
        Assert.Equal(1.75f, momentum[0]);
        Assert.Equal(2 - 0.875f, parameters[0]);
        parameters[0] = 2;
        momentum[0] = 0.5f;
        ArenaOptimizer.Step(context, options with { Nesterov = true }, [new ArenaSegment(0, 1, 0.5)], parameters, [1], momentum);
        Assert.Equal(2 - (0.5f * 2.375f), parameters[0]);
    }

    [Fact]
    public void AdamW_corrects_its_bias_by_the_segments_own_step()
    {
        float[] parameters = [1, 1], first = new float[2], second = new float[2];
        ArenaOptimizerOptions options = new() { Kind = OptimizerKind.AdamW, WeightDecay = 0.5f, Epsilon = 0 };
        first[1] = 0.19f * 3;
        second[1] = 0.001999f * 9;
        ArenaOptimizer.Step(
            context, options, [new ArenaSegment(0, 1, 0.1, Step: 1), new ArenaSegment(1, 1, 0.1, Step: 3)], parameters, [3, 3], first, second);

        // With a constant gradient and no epsilon, each step moves by the learning rate: p = 1 (1 - 0.05) - 0.1, whatever its number.
        Assert.Equal(0.85f, parameters[0], 1e-6f);
        Assert.Equal(0.85f, parameters[1], 1e-6f);
        // 1 - 0.999f is 0.001 to 5 digits.
        Assert.Equal(0.3f, first[0], 1e-6f);
        Assert.Equal(0.009f, second[0], 2e-7f);
    }

    [Fact]
    public void An_empty_arena_and_no_segments_are_no_error()
    {
        ArenaOptimizerOptions adam = new() { Kind = OptimizerKind.AdamW };
        ArenaOptimizer.Step(context, adam, [], [], []);
        float[] parameters = [1];
        ArenaOptimizer.Step(context, adam, [], parameters, [1], new float[1], new float[1]);
        Assert.Equal([1f], parameters);
    }

    [Fact]
    public void Lengths_and_overlaps_are_refused_before_the_library_is_called()
    {
        float[] arena = new float[4];
        ArenaOptimizerOptions sgd = new();
        Refused("gradient has 3 elements, the arena has 4", () => ArenaOptimizer.Step(context, sgd, [], arena, new float[3]));
        Refused("first has 5 elements, the arena has 4", () => ArenaOptimizer.Step(context, sgd, [], arena, new float[4], new float[5]));
        Refused("second has 1 elements", () => ArenaOptimizer.Step(context, sgd, [], arena, new float[4], default, new float[1]));
        Refused("gradient overlaps parameters", () => ArenaOptimizer.Step(context, sgd, [], arena, arena));
        float[] gradient = new float[4];
        Refused("second overlaps gradient", () => ArenaOptimizer.Step(context, sgd, [], arena, gradient, default, gradient));
    }

    [Theory]
    [InlineData(-1, 1, 1, "segments[0].offset is -1")]
    [InlineData(0, 5, 1, "segments[0] covers 5 floats from offset 0")]
    [InlineData(0, 1, 0, "segments[0].step is 0")]
    public void Segments_that_break_a_rule_are_named(long offset, long count, long step, string text)
    {
        float[] parameters = [1, 2, 3, 4];
        NativeException failure = Assert.Throws<NativeException>(() => ArenaOptimizer.Step(
            context,
            new ArenaOptimizerOptions { Kind = OptimizerKind.AdamW },
            [new ArenaSegment(offset, count, 0.1, step)],
            parameters,
            new float[4],
            new float[4],
            new float[4]));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Contains(text, failure.NativeText, StringComparison.Ordinal);
        Assert.StartsWith("Step: ", failure.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4], parameters);
    }

    [Fact]
    public void A_moment_that_the_rule_needs_must_be_there()
    {
        float[] parameters = [1];
        ArenaSegment[] all = [new ArenaSegment(0, 1, 0.1)];
        ArenaOptimizerOptions adam = new() { Kind = OptimizerKind.AdamW }, momentum = new() { Momentum = 0.9f };
        Missing("first is NULL", () => ArenaOptimizer.Step(context, momentum, all, parameters, new float[1]));
        Missing("second is NULL", () => ArenaOptimizer.Step(context, adam, all, parameters, new float[1], new float[1]));
        Missing("options.nesterov is 1", () => ArenaOptimizer.Step(
            context, new ArenaOptimizerOptions { Nesterov = true }, all, parameters, new float[1]));
    }

    [Fact]
    public void Every_field_reaches_the_library()
    {
        EsperOptimizerOptions options = new ArenaOptimizerOptions
        {
            Kind = OptimizerKind.AdamW,
            WeightDecay = 0.1f,
            Momentum = 0.2f,
            Nesterov = true,
            Beta1 = 0.3f,
            Beta2 = 0.4f,
            Epsilon = 0.5f,
            GradientScale = 0.6f,
        }.ToNative();
        Assert.Equal(
            (1, 0.1f, 0.2f, 1, 0.3f, 0.4f, 0.5f, 0.6f),
            (options.Optimizer, options.WeightDecay, options.Momentum, options.Nesterov, options.Beta1, options.Beta2, options.Epsilon,
                options.GradientScale));
        EsperArenaSegment segment = ArenaSegment.ToNative([new ArenaSegment(1, 2, 3.5, 4, Frozen: true)])[0];
        Assert.Equal((1, 2, 3.5, 4, 1u), (segment.Offset, segment.Count, segment.LearningRate, segment.Step, segment.Flags));
    }

    private static void Refused(string text, Action call) =>
        Assert.StartsWith(text, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);

    private static void Missing(string text, Action call)
    {
        NativeException failure = Assert.Throws<NativeException>(call);
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Contains(text, failure.NativeText, StringComparison.Ordinal);
    }
}
