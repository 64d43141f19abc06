using System.Text.Json;
using Esper.Contracts;
using Esper.Native;

namespace Esper.Cli.Tests;

public sealed class DoctorTests
{
    [Fact]
    public void A_sound_machine_is_ready_and_the_document_has_the_agreed_keys()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("doctor", "--json"));
        JsonElement report = cli.Json;
        string[] keys = [.. report.EnumerateObject().Select(property => property.Name)];
        Assert.Equal(
            [
                "ready", "cpu_model", "cpu_isa", "cores", "libtorch", "blas", "matmul_gflops", "cuda", "native", "kernels", "operators",
                "training_losses", "data", "openblas_environment", "problems",
            ],
            keys);
        Assert.Equal("avx2", report.GetProperty("cpu_isa").GetString());
        Assert.Equal("1.13.1", report.GetProperty("libtorch").GetString());
        Assert.Equal(["scalar", "avx2"], report.GetProperty("kernels").EnumerateArray().Select(kernel => kernel.GetProperty("isa").GetString()!));
        Assert.Equal(0, report.GetProperty("problems").GetArrayLength());
        Assert.Equal("/opt/esper/libesper_host.so", report.GetProperty("native")[1].GetProperty("path").GetString());
    }

    [Fact]
    public void A_library_that_does_not_load_is_one_problem_with_its_fix()
    {
        CliRun cli = new() { Probe = new NoLibrary() };

        Assert.Equal(1, cli.Run("doctor", "--json"));
        JsonElement problem = Assert.Single(cli.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("libesper.so could not be loaded. Tried:\n  /a: no such file", problem.GetProperty("what").GetString());
        Assert.Equal("build it.", problem.GetProperty("fix").GetString());
        Assert.Equal("error", problem.GetProperty("severity").GetString());
        Assert.False(cli.Json.GetProperty("ready").GetBoolean());
        Assert.Equal(JsonValueKind.Null, cli.Json.GetProperty("libtorch").ValueKind);
    }

    [Fact]
    public void A_training_host_that_does_not_load_leaves_the_kernels_examined()
    {
        CliRun cli = new() { Probe = new NoHost() };

        Assert.Equal(1, cli.Run("doctor"));
        Assert.Contains("ok  kernels           scalar (error 1.0e-14), avx2 (error 1.0e-14)", cli.Output, StringComparison.Ordinal);
        Assert.Contains("--  libesper_host     not loaded", cli.Output, StringComparison.Ordinal);
        Assert.Contains("error: DllNotFoundException: libtorch.so.1", cli.Output, StringComparison.Ordinal);
        Assert.Contains("  fix: build the native libraries with ./build.sh build", cli.Output, StringComparison.Ordinal);
        Assert.EndsWith("not ready to train\n", cli.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2e-10)]
    [InlineData(double.NaN)]
    public void Kernels_that_differ_from_the_reference_are_an_error_that_names_them(double error)
    {
        CliRun cli = new() { Probe = new WrongKernel(error) };

        Assert.Equal(1, cli.Run("doctor"));
        Assert.Contains("error: the avx2 kernels differ from the reference by", cli.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("the scalar kernels differ", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_with_wrong_kernels_can_still_say_so_in_json()
    {
        CliRun cli = new() { Probe = new WrongKernel(double.NaN) };

        Assert.Equal(1, cli.Run("doctor", "--json"));
        Assert.Equal(JsonValueKind.Null, cli.Json.GetProperty("kernels")[1].GetProperty("error").ValueKind);
    }

    [Theory]
    [InlineData("reference", 300, "libtorch runs on the reference BLAS, which is slow by a factor of 50 and more")]
    [InlineData("OpenBLAS", 39, "matrix products run at 39 GFLOP/s on 2 cores; 20 a core is the least to expect")]
    public void A_slow_blas_is_a_warning_with_the_package_that_mends_it(string blas, double gflops, string what)
    {
        CliRun cli = new() { Probe = new SlowMachine(blas, gflops) };

        Assert.Equal(0, cli.Run("doctor", "--json"));
        JsonElement problem = Assert.Single(cli.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("warning", problem.GetProperty("severity").GetString());
        Assert.Equal(what, problem.GetProperty("what").GetString());
        Assert.Contains("./build.sh setup installs libopenblas0-pthread", problem.GetProperty("fix").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Forty_gigaflops_on_two_cores_are_enough()
    {
        CliRun cli = new() { Probe = new SlowMachine("OpenBLAS", 40) };

        Assert.Equal(0, cli.Run("doctor", "--json"));
        Assert.Equal(0, cli.Json.GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public void A_training_that_does_not_lower_its_loss_is_an_error()
    {
        CliRun cli = new() { Probe = new Untrainable() };

        Assert.Equal(1, cli.Run("doctor"));
        Assert.Contains("error: two steps of a tiny training did not lower its loss: 1, 1.1, 1.2", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_are_there_are_found_and_data_that_are_not_are_an_error()
    {
        CliRun found = new();
        CliRun missing = new();
        CliRun builtIn = new();

        Assert.Equal(0, found.Run("doctor", "--data", "data", "--json"));
        Assert.Equal(1, missing.Run("doctor", "--data", "nowhere", "--json"));
        Assert.Equal(0, builtIn.Run("doctor", "--json"));
        Assert.Equal(["glyphs", "cifar10", "mnist", "text"], Available(found));
        Assert.Equal(["glyphs"], Available(missing));
        Assert.Equal(["glyphs"], Available(builtIn));
        JsonElement problem = Assert.Single(missing.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("no data set can be loaded from nowhere", problem.GetProperty("what").GetString());
    }

    [Fact]
    public void A_machine_without_cuda_is_ready_and_says_why_there_is_none()
    {
        CliRun text = new();
        CliRun json = new();

        Assert.Equal(0, text.Run("doctor"));
        Assert.Equal(0, json.Run("doctor", "--json"));
        Assert.Contains("    CUDA              not usable: libcuda.so.1 could not be opened: no such file\n", text.Output, StringComparison.Ordinal);
        Assert.Contains("    CUDA software     no driver; no NVRTC; no built-in PTX\n", text.Output, StringComparison.Ordinal);
        Assert.Contains("    CUDA in libtorch  built without; 'esper train' runs on the CPU\n", text.Output, StringComparison.Ordinal);
        JsonElement cuda = json.Json.GetProperty("cuda");
        Assert.Equal(
            [
                "usable", "problem", "driver", "nvrtc", "ptx", "devices", "device", "capability", "multiprocessors", "memory_bytes",
                "libtorch_built", "libtorch_available",
            ],
            cuda.EnumerateObject().Select(property => property.Name));
        Assert.False(cuda.GetProperty("usable").GetBoolean());
        Assert.Equal(JsonValueKind.Null, cuda.GetProperty("driver").ValueKind);
    }

    [Fact]
    public void A_machine_with_cuda_shows_device_driver_compiler_and_what_the_library_carries()
    {
        CliRun cli = new() { Probe = new Gpu("") };

        Assert.Equal(0, cli.Run("doctor"));

        // Long lines are wrapped.
        string shown = string.Join(' ', cli.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(
            " ok CUDA Test GPU (compute 9.0, 132 multiprocessors, 139 GiB); first of 2 devices CUDA software ", shown, StringComparison.Ordinal);
        Assert.Contains(
            " driver for CUDA 12.4; NVRTC 11.8; built-in PTX for float32, bfloat16 CUDA in libtorch ", shown, StringComparison.Ordinal);
        Assert.Contains(" CUDA in libtorch built with it, but finds no device ok data ", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_nothing_can_run_on_is_a_warning_with_its_fix()
    {
        CliRun cli = new() { Probe = new Gpu("no PTX and no NVRTC") };

        Assert.Equal(0, cli.Run("doctor", "--json"));
        JsonElement problem = Assert.Single(cli.Json.GetProperty("problems").EnumerateArray());
        Assert.Equal("the kernels cannot run on Test GPU: no PTX and no NVRTC", problem.GetProperty("what").GetString());
        Assert.Contains("NVRTC", problem.GetProperty("fix").GetString(), StringComparison.Ordinal);
        Assert.Equal("warning", problem.GetProperty("severity").GetString());
    }

    private static IEnumerable<string> Available(CliRun cli) => cli.Json.GetProperty("data").EnumerateArray()
        .Where(set => set.GetProperty("available").GetBoolean()).Select(set => set.GetProperty("name").GetString()!);

    private sealed class NoLibrary : SoundMachine
    {
        public override CpuInfo Cpu() => throw new EsperException("libesper.so could not be loaded. Tried:\n  /a: no such file\nFix: build it.");

        public override string HostInfo() => throw new InvalidOperationException("must not be asked");

        public override double KernelError(CpuIsa isa) => throw new InvalidOperationException("must not be asked");
    }

    private sealed class NoHost : SoundMachine
    {
        public override string HostInfo() => throw new DllNotFoundException("libtorch.so.1");
    }

    private sealed class WrongKernel(double error) : SoundMachine
    {
        public override double KernelError(CpuIsa isa) => isa == CpuIsa.Avx2 ? error : 1e-10;
    }

    private sealed class SlowMachine(string blas, double gflops) : SoundMachine
    {
        public override string HostInfo() => $$"""{"libtorch":"1.13.1","blas":"{{blas}}","cuda_built":false,"cuda_available":false}""";

        public override double MatmulGflops() => gflops;
    }

    private sealed class Gpu(string problem) : SoundMachine
    {
        public override CudaInfo Cuda() =>
            new(new Version(12, 4), new Version(11, 8), 2, new Version(9, 0), 132, 139L << 30, "Test GPU", problem);

        public override string KernelBuild() =>
            """{"version":"0.1.0","compiler":"gcc 12","build":"release","isa":["scalar"],"ptx":["float32","bfloat16"]}""";

        public override string HostInfo() => """{"libtorch":"2.4.0","blas":"OpenBLAS","cuda_built":true,"cuda_available":false}""";
    }

    private sealed class Untrainable : SoundMachine
    {
        public override IReadOnlyList<double> TrainTwoSteps() => [1.0, 1.1, 1.2];
    }
}
