using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>
/// The CUDA seam on any machine: what a query says, what is refused and how, and the life of handles. What runs on a device is tested
/// on one by the native tests.
/// </summary>
public sealed class CudaTests
{
    [Fact]
    public void A_query_says_what_there_is_or_why_there_is_nothing()
    {
        CudaInfo info = CudaInfo.Query();
        Assert.Equal(info.IsUsable, info.Problem.Length == 0);
        Assert.Equal(info.Devices > 0, info.Capability is not null);
        if (info.Driver is null)
        {
            Assert.False(info.IsUsable);
            Assert.Equal((0, "", 0L), (info.Devices, info.Name, info.Memory));
        }
    }

    [Fact]
    public unsafe void Every_field_of_a_query_comes_across()
    {
        EsperCudaInfo native = EsperCudaInfo.Create();
        (native.Driver, native.Nvrtc, native.Devices, native.Capability) = (12040, 11080, 2, 90);
        (native.Multiprocessors, native.Memory) = (132, 1L << 37);
        "H\0"u8.CopyTo(new Span<byte>(native.Name, 96));
        "no PTX\0"u8.CopyTo(new Span<byte>(native.Problem, 256));
        Assert.Equal(
            new CudaInfo(new Version(12, 4), new Version(11, 8), 2, new Version(9, 0), 132, 1L << 37, "H", "no PTX"),
            CudaInfo.FromNative(native));
        Assert.False(CudaInfo.FromNative(native).IsUsable);
        Assert.Null(CudaInfo.FromNative(EsperCudaInfo.Create()).Driver);
    }

    [Fact]
    public unsafe void Every_field_of_a_description_comes_across()
    {
        EsperCudaDescription native = EsperCudaDescription.Create();
        (native.Capability, native.Multiprocessors, native.Nvrtc) = (86, 84, 12030);
        (native.Compiled, native.Cached, native.Builtin) = (1, 2, 3);
        (native.ForwardBlocks, native.BackwardBlocks) = (252, 168);
        "no cache\0"u8.CopyTo(new Span<byte>(native.Note, 256));
        Assert.Equal(
            new CudaDescription(new Version(8, 6), 84, new Version(12, 3), 1, 2, 3, 252, 168, "no cache"),
            CudaDescription.FromNative(native));
        CudaDescription nothing = CudaDescription.FromNative(EsperCudaDescription.Create());
        Assert.Null(nothing.Capability);
        Assert.Null(nothing.Nvrtc);
        Assert.Equal("", nothing.Note);
    }

    [Fact]
    public void A_description_is_of_an_open_device_only()
    {
        using CudaHandle none = new();
        NativeException failure = Assert.Throws<NativeException>(() => CudaDevice.Describe(none));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Equal("cuda is NULL", failure.NativeText);
        Assert.StartsWith("Describe: ", failure.Message, StringComparison.Ordinal);
        none.Dispose();
        Assert.Throws<ObjectDisposedException>(() => CudaDevice.Describe(none));
    }

    [Fact]
    public void Without_a_device_opening_one_says_what_is_missing()
    {
        CudaInfo info = CudaInfo.Query();
        if (info.Devices == 0)
        {
            NativeException failure = Assert.Throws<NativeException>(() => new CudaDevice(cacheDirectory: ""));
            Assert.True(failure.Status is NativeStatus.Unsupported or NativeStatus.Cuda, failure.Message);
            Assert.StartsWith("CudaDevice: ", failure.Message, StringComparison.Ordinal);
            Assert.NotEmpty(failure.NativeText);
        }
        else
        {
            using CudaDevice device = new(cacheDirectory: "");
            Assert.False(device.Handle.IsInvalid);
            Assert.Equal((info.Capability, 0), (device.Describe().Capability, device.Describe().ForwardBlocks));
        }
    }

    [Theory]
    [InlineData("sm_nonsense", NativeStatus.InvalidArgument)]
    [InlineData("", NativeStatus.InvalidArgument)]
    [InlineData("sm_35", NativeStatus.Unsupported)]
    public void An_architecture_that_no_kernel_is_for_is_refused(string architecture, NativeStatus status)
    {
        NativeException failure = Assert.Throws<NativeException>(() => CudaDevice.Compile(architecture));
        Assert.Equal(status, failure.Status);
        Assert.StartsWith("Compile: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("architecture", failure.NativeText, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernels_compile_where_there_is_a_compiler_and_are_refused_where_there_is_none()
    {
        if (CudaInfo.Query().Nvrtc is null)
        {
            NativeException failure = Assert.Throws<NativeException>(() => CudaDevice.Compile("compute_80"));
            Assert.Equal(NativeStatus.Unsupported, failure.Status);
            Assert.Contains("NVRTC", failure.NativeText, StringComparison.Ordinal);
        }
        else
        {
            byte[] image = CudaDevice.Compile("compute_80", CudaDType.BFloat16);
            Assert.Contains(".target sm_80", System.Text.Encoding.ASCII.GetString(image), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Failures_of_the_driver_have_a_status_of_their_own()
    {
        Assert.Equal(7, (int)NativeStatus.Cuda);
        NativeException failure = Assert.Throws<NativeException>(() => Status.Check((int)NativeStatus.Cuda, "Forward"));
        Assert.Equal(NativeStatus.Cuda, failure.Status);
        Assert.EndsWith("(CUDA failure)", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_gone_is_an_exception_not_a_crash()
    {
        using CudaHandle none = new();
        Assert.True(none.IsInvalid);
        using CudaLatticeHandle tables = new();
        tables.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Tables(tables));
    }

    [Fact]
    public void Addresses_are_values()
    {
        DevicePointer memory = new(0x7FFF_0000_0010);
        Assert.Equal(new DevicePointer(0x7FFF_0000_0000), memory.Offset(-16));
        Assert.Equal(memory, memory.Offset(0));
        Assert.True(DevicePointer.None.IsNone);
        Assert.False(memory.IsNone);
        Assert.Throws<OverflowException>(() => DevicePointer.None.Offset(-1));
        Assert.Throws<OverflowException>(() => new DevicePointer(ulong.MaxValue).Offset(1));
        Assert.Equal(0ul, CudaStream.Default.Handle);
        Assert.Equal(6, CudaLattice.SumCount);
    }

    private static unsafe void Tables(CudaLatticeHandle tables) => EsperApi.CudaLatticeForward(tables, null, null, 0, null, null);
}
