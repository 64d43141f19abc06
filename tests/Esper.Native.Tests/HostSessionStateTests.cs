using System.Runtime.InteropServices;
using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>State of a host session: complete, named, and enough to continue bit for bit.</summary>
public sealed class HostSessionStateTests
{
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void A_session_continues_from_its_state_bit_for_bit(OptimizerKind optimizer)
    {
        using HostSession original = SmallClassifier.Session(optimizer);
        SmallClassifier.Germinate(original, SmallClassifier.Second, SeedStage.Blending, 0.5f);
        Steps(original, 4);
        Dictionary<string, byte[]> saved = SmallClassifier.ReadAll(original);
        string moment = optimizer == OptimizerKind.Sgd ? "momentum" : "adam_v";
        Assert.Contains($"{moment}/hidden.weight", saved.Keys);
        Assert.Contains($"{moment}/arena/0", saved.Keys);
        Assert.Contains("rng/dropout", saved.Keys);
        double[] expected = Steps(original, 4);

        using HostSession restored = SmallClassifier.Session(optimizer);
        SmallClassifier.Germinate(restored, SmallClassifier.Second, SeedStage.Blending, 0.5f);
        foreach ((string name, byte[] data) in saved)
        {
            restored.WriteState(name, data);
        }

        Assert.Equal(saved, SmallClassifier.ReadAll(restored));
        Assert.Equal(expected, Steps(restored, 4));
    }

    [Fact]
    public void Names_are_utf8_and_sizes_are_those_of_the_graph()
    {
        using HostSession session = SmallClassifier.Session();
        StateTensor tensor = session.State().Single(item => item.Name == $"param/{SmallClassifier.OddName}");
        Assert.Equal([3L, 8L], tensor.Dims.ToArray());
        Assert.Equal((HostDType.Float32, 24L, 96L), (tensor.DType, tensor.ElementCount, tensor.Bytes));
        float[] data = SmallClassifier.ParameterData(SmallClassifier.OddName, 24);
        Assert.Equal(
            MemoryMarshal.AsBytes<float>(data).ToArray(),
            SmallClassifier.Read(session, tensor.Name));
    }

    [Fact]
    public void Wrong_names_and_lengths_are_refused()
    {
        using HostSession session = SmallClassifier.Session();
        NativeException name = Assert.Throws<NativeException>(() => session.ReadState("param/größe", new byte[4]));
        Assert.Contains("param/größe", name.NativeText, StringComparison.Ordinal);
        Assert.Throws<NativeException>(() => session.WriteState("param/größe", new byte[4]));
        NativeException length = Assert.Throws<NativeException>(() => session.ReadState("param/head.bias", new byte[8]));
        Assert.Equal(NativeStatus.InvalidArgument, length.Status);
        Assert.Throws<NativeException>(() => session.WriteState("param/head.bias", new byte[16]));
        Assert.Throws<ArgumentException>(() => session.ReadState("param/head.bias\0", new byte[12]));
    }

    private static double[] Steps(HostSession session, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => session.TrainStep(SmallClassifier.Inputs, 0.05f).Loss)];
}
